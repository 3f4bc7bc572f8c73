// harness.mjs - what the tests of the dashboard share: a real server, a real Chromium, and checks that
// print one line each and are counted.
//
// Any message of kind error in the console, exception or violation of the content policy fails the test
// that saw it; a test names what it provokes by expectErrors().
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const { BUILD, INPUTS, CHROMIUM, PLAYWRIGHT_DIR, SHOTS } = process.env;
const require = createRequire(join(resolve(PLAYWRIGHT_DIR), "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let passed = 0, failed = 0;

export function check(what, ok, seen) {
  if (ok) passed++;
  else failed++;
  console.log(ok ? `ok      ${what}` : `NOT OK  ${what}${seen === undefined ? "" : `: got ${JSON.stringify(seen)}`}`);
}
export const same = (what, expected, actual) =>
  check(`${what}`, JSON.stringify(expected) === JSON.stringify(actual), actual);
export const holds = (what, part, text) => check(what, String(text).includes(part), text);

export const input = (name) => join(INPUTS, name);

/** How much longer than usual everything may take, as under a sanitizer. */
export const patience = Number(process.env.PATIENCE || 1);

/** Waits until step() is true; fails the run when it is not within seconds. */
export async function until(what, step, seconds = 60) {
  const end = Date.now() + seconds * 1000 * patience;
  while (!(await step())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** fsnetd on a port of its choice, which it keeps over a restart. */
export class Server {
  #dir = mkdtempSync(join(tmpdir(), "fsnet-browser-"));
  #process = null;
  #port = 0;

  /** settings: more of `fsnetd serve`. */
  async start(...settings) {
    const file = join(this.#dir, "port");
    rmSync(file, { force: true });
    this.#process = spawn(join(BUILD, "fsnetd"), ["serve", "--listen", `127.0.0.1:${this.#port}`,
      "--data-dir", this.#data, "--port-file", file, "--workers", "1", "--log-level", "error", ...settings],
    { stdio: ["ignore", "inherit", "inherit"] });
    await until("the server answers", () => existsSync(file) && readFileSync(file, "utf8").trim() !== "");
    this.#port = Number(readFileSync(file, "utf8"));
  }

  get #data() { return join(this.#dir, "data"); }

  /** A new token; from the first one on the server asks for them. options: more of `fsnetd token create`. */
  token(name, role, ...options) {
    return execFileSync(join(BUILD, "fsnetd"),
      ["token", "create", "--name", name, "--role", role, "--data-dir", this.#data, ...options],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  }

  revoke(token) {
    execFileSync(join(BUILD, "fsnetd"), ["token", "revoke", token.slice(4, 28), "--data-dir", this.#data], { stdio: "ignore" });
  }

  get url() { return `http://127.0.0.1:${this.#port}`; }

  async json(path, options) { return (await fetch(this.url + path, options)).json(); }

  async kill(signal = "SIGKILL") {
    const gone = new Promise((done) => this.#process.once("exit", done));
    this.#process.kill(signal);
    await gone;
  }

  async end() {
    await this.kill(`SIG${process.env.END_SIGNAL || "KILL"}`);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Stores a file without the dashboard. */
  async store(kind, file, name) {
    const answer = await this.json(`/v1/${kind}?name=${name}`, { method: "POST", body: readFileSync(input(file)) });
    return answer.id;
  }

  /** Orders a job without the dashboard. */
  async order(spec) {
    return (await this.json("/v1/jobs", { method: "POST", body: JSON.stringify(spec) })).id;
  }
}

/** A picture for people, where SHOTS names a folder. */
export async function shot(page, name, whole = true) {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: whole });
}

/** A page whose errors are collected; options as for newContext. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(30000 * patience);
  const page = await context.newPage();
  const errors = [], expected = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /Content Security Policy/.test(message.text())) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(`exception: ${error.message}`));
  const origins = new Set();
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  await page.goto(url);
  return Object.assign(page, {
    expectErrors(pattern) { expected.push(pattern); },
    unexpectedErrors: () => errors.filter((text) => !expected.some((pattern) => pattern.test(text))),
    foreignRequests: () => [...origins].filter((origin) => origin !== new URL(url).origin && origin !== "null"),
    /** To another page; the one before is gone then, even where the browser is slow. */
    async go(hash) {
      await page.evaluate((h) => new Promise((done) => {
        if (location.hash === h) return done();
        window.addEventListener("hashchange", () => done(), { once: true }); // behind the dashboard's own listener
        location.hash = h;
      }), hash);
    },
    shot: (name, whole) => shot(page, name, whole),
  });
}

/** What axe-core finds against WCAG 2.2 A and AA and its own best practices, as texts. It is put in by the debugger,
 * which the content policy does not bind. */
export async function faultsByAxe(page) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} (${n.failureSummary?.split("\n")[1]?.trim()})`));
}

/** Runs each test with a server and a browser, and ends the process with 1 when a check failed. */
export async function run(tests) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  for (const test of tests) {
    const server = new Server();
    console.log(`== ${test.name.replaceAll("_", " ")}`);
    await server.start();
    try {
      await test(browser, server);
    } catch (error) {
      check(test.name.replaceAll("_", " "), false, error.message);
    }
    for (const context of browser.contexts()) await context.close();
    await server.end();
  }
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
