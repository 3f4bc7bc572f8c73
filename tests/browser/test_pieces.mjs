// test_pieces.mjs - large files go in pieces: what has come is not sent again, whatever breaks in between.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, input, openPage, patience, run, same, until } from "./harness.mjs";

const refused = /status of 4\d\d/; // Chromium writes a line for every such answer
const gone = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|ERR_ABORTED|ERR_FAILED/;
const PIECE = 16 << 20;

const file = input("resnet18.onnx"), junk = input("junk.onnx"); // 45 MB: three pieces
execFileSync(join(process.env.BUILD, "fsnet"), ["new", "resnet18", "--seed", "1", "-o", file], { stdio: "ignore" });
writeFileSync(junk, "this is no model");
truncateSync(junk, 20e6);
const size = statSync(file).size;

const uploads = async (server) => (await server.json("/v1/uploads")).items;
const models = async (server) => (await server.json("/v1/models")).items;
const text = (page) => page.locator(".uploading").textContent().then((t) => t.replaceAll("\u00a0", " "));
const choose = (page, name = file) => page.setInputFiles("input[type=file]", name);
const remembered = (page) => page.evaluate(() => Object.keys(localStorage).length);
const stored = (page) => page.getByText("resnet18.onnx is stored.").waitFor({ timeout: 60000 * patience });

/** Has a piece come to the server, and its answer lost. */
async function lose(page, from) {
  let lost = false;
  await page.route("**/v1/uploads/*", async (route) => {
    if (route.request().method() !== "PATCH" || page.offsets.at(-1) < from || lost) return route.continue();
    lost = true;
    await route.fetch();
    return route.abort("connectionreset");
  });
}

/** The page of models, with the Upload-Offset of each piece that it sends. */
async function open(browser, server, throughput) {
  const page = await openPage(browser, `${server.url}/#/models`);
  const offsets = [];
  page.expectErrors(gone);
  page.on("request", (request) => request.method() === "PATCH" && offsets.push(Number(request.headers()["upload-offset"])));
  await page.getByText("No models yet").waitFor();
  if (throughput) await slow(page, throughput);
  return Object.assign(page, { offsets });
}

async function slow(page, uploadThroughput) {
  page.network ??= await page.context().newCDPSession(page);
  await page.network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
}

/** Waits until the first piece has come and the second is on its way. */
const under_way = (server) => until("the second piece is on its way", async () => (await uploads(server))[0]?.offset > PIECE);

async function is_stored_once(page, server) {
  await stored(page);
  const all = await models(server);
  same("the file is stored, once", [createHash("sha256").update(readFileSync(file)).digest("hex")], all.map((m) => m.sha256));
  await page.getByRole("button", { name: "resnet18.onnx", exact: true }).waitFor();
  await until("nothing is left of the upload", async () => (await uploads(server)).length === 0);
  same("nor remembered", 0, await remembered(page));
}

async function a_large_file_goes_in_pieces_a_small_one_at_once(browser, server) {
  const page = await open(browser, server);
  await choose(page, input("resnet8.onnx"));
  await page.getByText("resnet8.onnx is stored.").waitFor();
  same("a small file is sent at once", [], page.offsets);
  await page.reload();
  await server.json(`/v1/models/${(await models(server))[0].id}`, { method: "DELETE" }).catch(() => {}); // 204 has no body
  await choose(page);
  await is_stored_once(page, server);
  same("a large one in pieces", [0, PIECE, 2 * PIECE], page.offsets);
  await choose(page);
  await until("the same file is stored a second time when it is sent again", async () => (await models(server)).length === 2);
  same("no error", [], page.unexpectedErrors());
  same("nothing was asked of another origin", [], page.foreignRequests());
}

async function a_data_set_goes_in_pieces(browser, server) {
  const packed = input("many.tar.gz"), archive = input("zw\u00f6lf \u{1f600}.tar"); // 12 MB
  execFileSync(join(process.env.BUILD, "fsnet"), ["draw", "--train", "4000", "--test", "200", "--seed", "1", "-o", packed], { stdio: "ignore" });
  writeFileSync(archive, gunzipSync(readFileSync(packed)));
  const page = await open(browser, server);
  await page.go("#/datasets");
  await page.getByText("No data sets yet").waitFor();
  await choose(page, archive);
  await page.getByText("zw\u00f6lf \u{1f600}.tar is stored.").waitFor();
  const [dataset] = (await server.json("/v1/datasets")).items;
  same("under its name", ["zw\u00f6lf \u{1f600}.tar", statSync(archive).size], [dataset.name, dataset.size_bytes]);
  same("by one piece", [0], page.offsets);
  same("no error", [], page.unexpectedErrors());
}

async function a_server_that_is_gone_is_waited_for(browser, server) {
  const page = await open(browser, server, 12e6);
  await choose(page);
  await under_way(server);
  await server.kill();
  const waits = page.getByText("waiting for the server");
  await waits.waitFor();
  const there = ((100 * page.offsets.at(-1)) / size).toFixed(0); // all before the piece that was on its way
  holds("the zone says what is there", `waiting for the server; ${there} % is there`, await text(page));
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  await page.setViewportSize({ width: 360, height: 800 });
  same("on a phone as well", 360, await page.evaluate(() => document.documentElement.scrollWidth));
  await page.shot("waiting");
  await page.go("#/datasets");
  await page.getByRole("heading", { name: "Data sets", level: 1 }).waitFor();
  await page.go("#/models");
  await waits.waitFor();
  check("who looks elsewhere finds it as it is", true);
  await server.start();
  await is_stored_once(page, server);
  same("the first piece was not sent again", [0], page.offsets.filter((offset) => offset < PIECE));
  same("no other error", [], page.unexpectedErrors());
}

async function a_connection_that_breaks_is_tried_again(browser, server) {
  const page = await open(browser, server);
  let broken = 0;
  await page.route("**/v1/uploads/*", (route) => (route.request().method() === "PATCH" && page.offsets.at(-1) === PIECE && broken++ < 2
    ? route.abort("connectionreset") : route.continue()));
  await choose(page);
  await is_stored_once(page, server);
  same("each piece again until it has come", [0, PIECE, PIECE, PIECE, 2 * PIECE], page.offsets);
  same("no other error", [], page.unexpectedErrors());
}

async function an_answer_that_is_lost_is_asked_for(browser, server) {
  const page = await open(browser, server);
  await lose(page, 2 * PIECE);
  await choose(page);
  await is_stored_once(page, server);
  same("the last piece is not sent again", [0, PIECE, 2 * PIECE], page.offsets);
  same("no other error", [], page.unexpectedErrors());
}

async function a_server_that_asks_to_wait_is_waited_for(browser, server) {
  const page = await open(browser, server);
  page.expectErrors(refused);
  page.expectErrors(/status of 50[23]/);
  const later = { "Retry-After": "1" };
  const answers = { PATCH: [{ status: 503, headers: later }, { status: 429, headers: later }, { status: 502 }], GET: [{ status: 502 }] };
  await page.route("**/v1/uploads/*", (route) => {
    const answer = answers[route.request().method()]?.shift();
    return answer ? route.fulfill({ body: "", ...answer }) : route.continue();
  });
  await choose(page);
  await page.getByText("The server asks to wait").waitFor();
  await is_stored_once(page, server);
  same("by the same piece each time", [0, 0, 0, 0, PIECE, 2 * PIECE], page.offsets);

  await page.route("**/v1/uploads/*", (route) => (route.request().method() !== "PATCH" ? route.continue()
    : route.fulfill({ status: 429, contentType: "application/problem+json", body: '{"title": "The token has as much as it may have"}' })));
  await choose(page);
  await page.getByRole("alert").waitFor();
  holds("a quota is no matter of waiting", "The token has as much as it may have", await text(page));
  same("what has begun is remembered", 1, await remembered(page));
  same("no other error", [], page.unexpectedErrors());
}

async function a_page_that_is_loaded_anew_goes_on(browser, server) {
  const page = await open(browser, server, 12e6);
  page.expectErrors(refused);
  await choose(page);
  await under_way(server);
  await page.reload();
  const offer = page.getByText("Choose the file again to go on");
  await offer.waitFor();
  check("the page says what is there", /resnet18.onnx was not sent to its end: [3-9]\d % of 4\d\.\d MB is there/.test(await text(page)), await text(page));
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  await page.setViewportSize({ width: 360, height: 800 });
  same("on a phone as well", 360, await page.evaluate(() => document.documentElement.scrollWidth));
  await page.shot("unfinished");
  await slow(page, -1);
  await choose(page);
  await is_stored_once(page, server);
  same("the first piece was not sent again", [0], page.offsets.filter((offset) => offset < PIECE));

  await slow(page, 12e6);
  await choose(page);
  await under_way(server);
  await page.reload();
  await page.getByRole("button", { name: "Discard resnet18.onnx" }).click();
  await offer.waitFor({ state: "detached" });
  same("what is discarded is gone, here and there", [0, 0], [(await uploads(server)).length, await remembered(page)]);
  check("the focus is where a file is chosen", await page.locator("input[type=file]").evaluate((e) => e === document.activeElement));

  await choose(page);
  await under_way(server);
  await page.reload();
  await offer.waitFor();
  await server.json(`/v1/uploads/${(await uploads(server))[0].id}`, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {});
  await slow(page, -1);
  await choose(page);
  await stored(page);
  same("what the server has forgotten is begun anew", 2, (await models(server)).length);
  same("no other error", [], page.unexpectedErrors());
}

async function cancel_leaves_nothing(browser, server) {
  const page = await open(browser, server, 12e6);
  page.expectErrors(refused);
  await choose(page);
  await under_way(server);
  await page.getByRole("button", { name: "Cancel" }).press("Enter");
  await page.getByText("The upload was cancelled.").waitFor();
  same("nothing is left on the server", [[], []], [await uploads(server), await models(server)]);
  same("nor remembered", 0, await remembered(page));

  await choose(page);
  await under_way(server);
  await server.kill();
  await page.getByText("waiting for the server").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("cancelling").waitFor();
  await server.start();
  await page.getByText("The upload was cancelled.").waitFor();
  same("neither of one that was cancelled while the server was gone", [[], 0], [await uploads(server), await remembered(page)]);
  same("no other error", [], page.unexpectedErrors());
}

async function a_file_that_is_refused_is_told_as_if_sent_at_once(browser, server) {
  const page = await open(browser, server);
  page.expectErrors(refused);
  const answer = await server.json("/v1/models?name=junk", { method: "POST", body: readFileSync(junk) });
  const alert = page.getByRole("alert");
  await choose(page, junk);
  await alert.waitFor();
  same("by the same words", answer.title + answer.detail, await alert.textContent());
  await until("nothing is left", async () => (await uploads(server)).length === 0);
  same("nor remembered", [0, 0], [await remembered(page), (await models(server)).length]);

  await lose(page, PIECE);
  await choose(page, junk);
  await page.getByText("The content was refused").waitFor();
  holds("the reason is asked for where the answer was lost", answer.detail, await alert.textContent());

  await server.kill();
  await server.start("--max-upload-bytes", "9M");
  await choose(page);
  await page.getByText("The body is larger than the server accepts").waitFor();
  holds("so is a file that is too large", "an upload may have at most", await alert.textContent());
  same("of which nothing is remembered", 0, await remembered(page));
  same("no other error", [], page.unexpectedErrors());
}

async function a_token_goes_with_every_piece(browser, server) {
  const alice = server.token("alice", "user"), headers = { Authorization: `Bearer ${alice}` };
  const page = await openPage(browser, `${server.url}/#/models`);
  page.expectErrors(refused);
  page.expectErrors(gone);
  const enter = async (token) => {
    await page.getByLabel("Token", { exact: true }).fill(token);
    await page.keyboard.press("Enter");
  };
  await enter(alice);
  await page.getByText("No models yet").waitFor();
  await slow(page, 12e6);
  await choose(page);
  const items = async () => (await server.json("/v1/uploads", { headers })).items;
  await until("a piece has come", async () => (await items())[0]?.offset >= PIECE);
  server.revoke(alice);
  await page.getByRole("dialog").waitFor();
  check("a token that has ended is asked for", true);
  await enter(server.token("bob", "admin"));
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await slow(page, -1);
  await choose(page);
  await stored(page);

  await slow(page, 12e6);
  await choose(page);
  await until("the next is on its way", async () => /[1-9]\d %/.test(await text(page)));
  await page.locator("#forget").click();
  await page.getByRole("heading", { name: "Token needed", level: 1 }).waitFor();
  await page.waitForTimeout(500);
  same("who gives up the token is asked once, and not by what was on its way", 0, await page.getByRole("dialog").count());
  same("no other error", [], page.unexpectedErrors());
}

await run([a_large_file_goes_in_pieces_a_small_one_at_once, a_data_set_goes_in_pieces, a_server_that_is_gone_is_waited_for,
  a_connection_that_breaks_is_tried_again, an_answer_that_is_lost_is_asked_for, a_server_that_asks_to_wait_is_waited_for,
  a_page_that_is_loaded_anew_goes_on, cancel_leaves_nothing, a_file_that_is_refused_is_told_as_if_sent_at_once,
  a_token_goes_with_every_piece]);
