// token.js - the token that the service may ask for. It stays in this tab (sessionStorage) and goes out in a
// header with every call, never in an address.

const KEY = "fsnet-token";

export const hasToken = () => sessionStorage.getItem(KEY) !== null;
export const keepToken = (token) => sessionStorage.setItem(KEY, token);
export const forgetToken = () => sessionStorage.removeItem(KEY);
/** The headers of a call. */
export const authorization = () => (hasToken() ? { Authorization: `Bearer ${sessionStorage.getItem(KEY)}` } : {});
