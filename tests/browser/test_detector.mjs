// test_detector.mjs - a detector's job on the dashboard: its figures, classes, curves and drawn detections, the files
// of its search, a comparison, and the form with a data set of boxes.
//
// The job is a classifier's; what the page asks of it is answered from tests/fixtures/report-detect.json, which was
// written by hand. Everything else, the content policy too, is the server's.
import { readFileSync } from "node:fs";
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, openPage, run, same, until } from "./harness.mjs";

const report = JSON.parse(readFileSync("tests/fixtures/report-detect.json", "utf8"));
const text = async (locator) => (await locator.textContent()).replaceAll("\u00a0", " ");
const rows = report.training.map((row) => ({ ...row, candidate: 2 }));

/** As /candidates has the files of the report's search. */
const files = (id) => report.search.candidates.map((c, i) => ({ ...c, number: i + 1, status: c.drop === null ? "diverged" : "done",
  stage: null, best: i === report.search.chosen, budget_ratio: null, budget_bits: null, artifact: null,
  links: { self: `/v1/jobs/${id}/candidates/${i + 1}`, parent: `/v1/jobs/${id}` } }));

async function orderOne(server, more) {
  const ids = { model_id: await server.store("models", "resnet8.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") };
  const id = await server.order({ ...ids, finetune: { epochs: 1, batch_size: 50, warmup_steps: 2 }, ...more });
  await until("the job ends", async () => (await server.json(`/v1/jobs/${id}`)).status === "succeeded", 120);
  return id;
}

/** What is asked of the job is answered as a detector's. */
async function answerAsDetector(page, server, id) {
  const job = await server.json(`/v1/jobs/${id}`);
  const answer = (path, json) => page.route(`**/v1/jobs/${id}/${path}`, (route) => route.fulfill({ json }));
  await answer("report", report);
  await answer("metrics", { items: rows });
  await answer("candidates", { kind: "search", max_accuracy_drop: report.search.max_accuracy_drop, most: 3, items: files(id) });
  const event = (name, at, data) => `event: ${name}\nid: ${at}\ndata: ${JSON.stringify(data)}\n\n`;
  await page.route(`**/v1/jobs/${id}/events`, (route) => route.fulfill({ contentType: "text/event-stream",
    body: rows.map((r) => event("epoch", `2.${r.epoch}`, r)).join("") + event("job", "end", job) }));
}

const rowOf = (table, name) => table.locator("tbody tr", { hasText: name }).first();

async function what_a_detector_has_become_is_shown(browser, server) {
  const id = await orderOne(server, { name: "detector", sweep: { ratio: [4, 8, 16] } });
  const page = await openPage(browser, `${server.url}/`);
  await answerAsDetector(page, server, id);
  await page.go(`#/job/${id}`);
  await page.getByRole("heading", { name: "Before and after" }).waitFor();

  holds("the first figure is mean average precision", "mAP@.584.06 %89.66 % before, −5.59 pp", await text(page.locator(".tiles.result")));
  const measures = page.getByLabel("Before and after");
  same("measures are a detector's", ["mAP@.5", "mAP@.5 at 11 recalls (VOC 2007)", "COCO AP", "COCO AP50", "COCO AP75", "File"],
    (await measures.locator("tbody td:first-child").allTextContents()).slice(0, 6));
  same("none is a classifier's", 0, await page.locator(".outcome").getByText(/accuracy|top-1/i).count());
  await page.getByText("120 test images with 178 objects").waitFor();
  holds("a layer alone is told by divergence", "0.0123", await text(rowOf(page.getByLabel("Layers"), "backbone.1")));
  holds("so is what to exclude first", "head.boxes: 0.345 nats", await text(page.locator(".exclude")));

  const classes = page.getByLabel("Average precision by class");
  holds("a class has its precision before and after", "81.00 %63.50 %−17.50 pp", await text(rowOf(classes, "plus")));
  same("there is a row for each class", 5, await classes.locator("tbody tr").count());
  same("and a curve for each that has objects", 4, await page.locator(".curves.narrow svg").count());
  same("with both networks", 8, await page.locator(".curves.narrow path").count());
  check("which is said in words", await page.getByRole("img", { name: /recall of class 1 plus: average precision 81.00.% before and 63.50.% after/ }).isVisible());

  same("each image is drawn twice", 6, await page.locator(".drawn").count());
  const drawn = page.getByRole("img", { name: "Compressed, test-000001.png: triangle 0.85, plus 0.67, square 0.42" });
  await drawn.waitFor();
  same("with what is found and with the objects", [3, 3], [await drawn.locator(".found").count(), await drawn.locator(".object").count()]);
  same("names stand at the boxes", ["square 0.42", "plus 0.67", "triangle 0.85"], await drawn.locator("text").allTextContents());
  const loaded = await drawn.locator("image").evaluate((image) => {
    const picture = new Image();
    return new Promise((done) => {
      picture.onload = () => done([picture.naturalWidth, picture.naturalHeight]);
      picture.onerror = () => done("refused");
      picture.src = image.getAttribute("href");
    });
  });
  same("the content policy lets the picture in", [96, 96], loaded);
  same("an image without a picture is drawn all the same", [0, 1], await page.getByRole("img", { name: "Baseline, test-000007.png: disc 0.5" })
    .evaluate((e) => [e.querySelectorAll("image").length, e.querySelectorAll(".found").length]));
  check("nothing found is said", await page.getByRole("img", { name: "Compressed, test-000007.png: nothing is found" }).isVisible());

  const tried = page.getByLabel("Files that were tried");
  holds("files have their precision", "85.13 %−5.38 pp", await text(tried.locator("tbody tr").nth(1)));
  holds("and one has diverged", "diverged", await text(tried.locator("tbody tr").nth(2)));
  check("it is drawn against size", await page.getByText("mAP@.5 against size").isVisible());
  holds("what the chosen file loses has no error", "83.00 %: −5.25 pp; at most 6 points were to be lost.", await text(page.locator(".tried")));
  await page.getByText("Epoch by epoch").click();
  const epochs = page.getByLabel("Training, epoch by epoch");
  same("an epoch has what is matched, and no accuracy", ["Epoch", "Loss", "Held-back loss", "Matched boxes", "Rate", "Images/s", "Took"], await epochs.locator("th").allTextContents());
  holds("as the report has it", "23.125311.7", await text(epochs.locator("tbody tr").nth(1)));
  check("that is drawn", await page.locator("figcaption", { hasText: "Default boxes matched in an image" }).first().isVisible());
  same("accuracy is not", 0, await page.locator("figcaption:visible", { hasText: "Accuracy" }).count());
  await page.shot("detector");

  await page.go(`#/job/${id}/2`);
  await page.getByRole("heading", { name: "detector, file 2", level: 1 }).waitFor();
  holds("a file's page has its precision", "mAP@.585.13 %−5.38 pp from the baseline", await text(page.locator(".tiles")));
  await page.getByText("mAP@.5 is of the test images").waitFor();
  await page.go(`#/compare/${id}.1/${id}.2`);
  const both = page.getByLabel("The two results");
  await both.waitFor();
  holds("two files are compared by it", "87.00 %85.13 %−1.88 pp", await text(rowOf(both, "mAP@.5")));
  holds("their baseline too", "90.50 %90.50 %", await text(rowOf(both, "Baseline's mAP@.5")));
  await page.getByText("mAP@.5 is of the test images that judge").waitFor();

  for (const [colorScheme, width] of [["light", 1200], ["dark", 360]]) {
    const other = await openPage(browser, `${server.url}/`, { colorScheme, viewport: { width, height: 800 } });
    await answerAsDetector(other, server, id);
    await other.go(`#/job/${id}`);
    await other.getByRole("heading", { name: "Detections" }).waitFor();
    await other.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
    const what = `${colorScheme}, ${width} px`;
    same(`${what}: it can be read by all`, [[], []], [await other.evaluate(faultsOfPage), await faultsByAxe(other)]);
    same(`${what}: nothing is wider than the screen`, width, await other.evaluate(() => document.documentElement.scrollWidth));
    same(`${what}: no error`, [], other.unexpectedErrors());
    await other.shot(`detector-${colorScheme}`);
  }
  same("no error", [], page.unexpectedErrors());
  same("nobody else is asked", [], page.foreignRequests());
}

/* The picture in the page is put there by the test; the policy that lets it in is the server's. */
async function a_report_with_pictures_is_shown_as_it_is(browser, server) {
  const id = await orderOne(server, { name: "one" });
  const page = await openPage(browser, `${server.url}/`);
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><image width="96" height="96" href="data:image/jpeg;base64,${report.detection.drawn[0].jpeg}"/></svg>`;
  await page.route("**/artifacts/report.html", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("</main>", `${picture}<img id="other" alt="" src="/icon.svg"/></main>`) });
  });
  page.expectErrors(/icon.svg/);
  await page.goto(`${server.url}/v1/jobs/${id}/artifacts/report.html`);
  const natural = page.locator("image").evaluate(() => true);
  check("the page is there", await natural);
  same("what lies in it is let in, what is asked of the server is not", [], page.unexpectedErrors());
  check("the policy holds", await page.locator("#other").evaluate((e) => e.naturalWidth === 0));
}

async function the_form_suits_a_data_set_of_boxes(browser, server) {
  await server.store("models", "resnet8.onnx", "resnet8");
  await server.store("datasets", "shapes.tar.gz", "shapes");
  await server.store("datasets", "boxes.tar.gz", "boxes");
  await server.store("datasets", "masks.tar.gz", "masks");
  const page = await openPage(browser, `${server.url}/#/new`);
  page.expectErrors(/status of 4\d\d/);
  const budget = page.getByLabel("Budget").first(), data = page.getByLabel("Data set", { exact: true });
  await data.selectOption({ label: "boxes · 4 classes with boxes" });
  await budget.selectOption({ label: "mAP that may be lost" });
  const points = page.getByLabel("Points of mAP@.5", { exact: true });
  same("what may be lost is precision", "1", await points.inputValue());
  check("the help says so too", await page.getByText("points that may be lost of mAP@.5:").isVisible());
  await page.getByText("Advanced settings").click();
  check("the settings of detectors can be reached", await page.getByRole("group", { name: "Detector" }).getByLabel("default boxes").isVisible());
  const boxes = page.getByRole("group", { name: "Detector" }).getByLabel("default boxes");
  const asked = page.waitForRequest((request) => request.postDataJSON()?.detection?.default_boxes?.maps);
  await boxes.fill('{"maps": [{"size": 3, "step": 8, "min_size": 5}]}');
  same("a rule for a detector's boxes is read as JSON", 3,
    (await asked).postDataJSON().detection.default_boxes.maps[0].size);
  await boxes.fill("");
  await data.selectOption({ label: "shapes · 10 classes" });
  check("of images with classes it is accuracy", await page.getByLabel("Per cent of accuracy", { exact: true }).isVisible());
  same("what was typed stays", "1", await page.getByLabel("Per cent of accuracy", { exact: true }).inputValue());
  await data.selectOption({ label: "masks · 5 classes with masks" });
  check("of images with masks it is mean IoU", await page.getByLabel("Points of mean IoU", { exact: true }).isVisible());
  check("and so in the help", await page.getByText("points that may be lost of mean IoU:").isVisible());
  same("no other error", [], page.unexpectedErrors());
}

await run([what_a_detector_has_become_is_shown, a_report_with_pictures_is_shown_as_it_is, the_form_suits_a_data_set_of_boxes]);
