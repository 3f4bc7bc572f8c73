#!/bin/bash
# test_remote_login.sh [BUILD] - fsnet remote and tokens: what a login keeps and for whom, who is sent the token and who
# is not, HTTPS with a certificate of one's own.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
export HOME=$dir/home XDG_CONFIG_HOME=
mkdir -p "$HOME"
unset FSNET_SERVER FSNET_TOKEN
login=$HOME/.config/fsnet/remote.json

# remote CODE WORD...: fsnet remote ends with the code; what it says is in $out and $said.
remote() {
    local want=$1
    shift
    out=$("$fsnet" remote "$@" 2>"$dir/said")
    same "fsnet remote $*: exit code" "$want" $?
    said=$(<"$dir/said")
}
is_said() { holds "and says: $1" "$1" "$said"; }
new_token() { "$build/fsnetd" token create --name "$1" --role user --data-dir "$data" 2>"$dir/out"; }

# A server that only writes down what it is sent.
mkdir "$dir/got"
"$build/hook_receiver" "$dir/hook.port" "$dir/got" &
receiver=$!
trap 'kill "$receiver"; at_exit' EXIT
wait_for 30 test -s "$dir/hook.port"
elsewhere=http://127.0.0.1:$(<"$dir/hook.port")
# asked_elsewhere: the head of the last request to it.
asked_elsewhere() { cat "$dir/got/$(find "$dir/got" -name '*.head' | wc -l).head"; }

token=$(new_token alice)
start
remote 1 jobs --server "$url" </dev/null
is_said "no token was sent"
remote 1 login "$url" <<<"fsn_${token:4:88}x"
is_said "the token that was sent is not taken"
remote 1 login "$url" <<<"two words"
is_said "the first line is no token"
remote 1 login "$url" --token-file "$dir/none" </dev/null
is_said "$dir/none: No such file"
remote 1 login "$elsewhere" <<<"$token"
is_said "not as the service does"
check "none of it is kept" test ! -e "$login"
remote 0 login "$url/" <<<"  $token  "
is_said "logged in to $url"
same "a login is for its owner alone" "600 700" "$(stat -c %a "$login") $(stat -c %a "$(dirname "$login")")"
same "and has no files beside it" remote.json "$(ls -A "$(dirname "$login")")"
same "no message has the token" "" "$(grep -F "${token:29}" "$dir/said" "$dir/log")"
remote 0 jobs
remote 0 jobs --server "${url/http/HTTP}"
remote 1 jobs --server "$elsewhere"
is_said "$elsewhere answers HTTP 204, and not as the service does"
holds "another server is asked" "path: /v1/jobs" "$(asked_elsewhere)"
same "and not sent the token" "" "$(asked_elsewhere | grep -i authorization)"
FSNET_SERVER=$elsewhere remote 1 jobs
same "nor by the environment" "" "$(asked_elsewhere | grep -i authorization)"
FSNET_TOKEN=other remote 1 jobs --server "$elsewhere"
same "a token of the environment goes where one says" "authorization: Bearer other" "$(asked_elsewhere | grep -i authorization)"
remote 1 jobs --server "$elsewhere/status/302"
is_said "answers HTTP 302"
# An order that a proxy cannot pass on is sent again, under a key that makes it the same order.
remote 1 submit --model mdl_1 --data dst_1 --server "$elsewhere/status/503"
remote 1 submit --model mdl_1 --data dst_1 --server "$elsewhere/status/503"
same "two orders, three times each, by two keys" "3 3" \
    "$(cat "$dir/got/"*.head | grep -i '^idempotency-key: [0-9a-f]' | sort | uniq -c | awk '{ print $1 }' | paste -sd' ')"
same "with what was asked for" '{"model_id":"mdl_1","dataset_id":"dst_1"}' \
    "$(cat "$dir/got/$(find "$dir/got" -name '*.body' | wc -l).body")"
FSNET_TOKEN=$(printf 'a\r\nX-Evil: 1') remote 1 jobs
is_said "FSNET_TOKEN is no token"
FSNET_TOKEN=other remote 1 jobs
is_said "the token that was sent is not taken"
bob=$(new_token bob)
FSNET_TOKEN=$bob remote 0 jobs
chmod 644 "$login"
remote 1 jobs
is_said "others can read it: chmod 600"
chmod 600 "$login"
cp "$login" "$dir/whole"
head -c 20 "$dir/whole" >"$login"
remote 1 jobs
is_said "is no login"
FSNET_SERVER=$url FSNET_TOKEN=$bob remote 0 jobs
remote 0 logout
is_said "logged out"
check "nothing is kept" test ! -e "$login"
remote 0 logout
is_said "there was no login"
remote 1 jobs
is_said "no server is named"
echo "$bob" >"$dir/token"
same "on this machine nobody reads along" "" "$(grep https "$dir/said")"
remote 0 login "http://0.0.0.0:${url##*:}" <<<"$token"
is_said "without https the token can be read on its way"
XDG_CONFIG_HOME=$dir/xdg remote 0 login "$url" --token-file "$dir/token" </dev/null
check "XDG_CONFIG_HOME is where it is kept" test -s "$dir/xdg/fsnet/remote.json"
stop

if command -v openssl >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=fsnetd \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key" -out "$dir/cert" 2>"$dir/out" || cat "$dir/out"
    start --tls-cert "$dir/cert" --tls-key "$dir/key"
    url=https://${url#http://}
    remote 1 login "$url" <<<"$token"
    check "a certificate that nobody vouches for is refused" grep -qi certificate "$dir/said"
    remote 1 login "$url" --cacert "$dir/none" <<<"$token"
    is_said "$dir/none: No such file"
    whole=$(realpath "$fsnet")
    (cd "$dir" && "$whole" remote login "$url" --cacert cert <<<"$token") 2>"$dir/said"
    same "with --cacert it is trusted" 0 $?
    remote 0 jobs
    remote 1 jobs --server "https://localhost:${url##*:}" --cacert "$dir/cert"
    check "a certificate of another name is refused" grep -qiE 'certificate|host' "$dir/said"
    stop
else
    skip "HTTPS" "openssl is not installed"
fi
finish
