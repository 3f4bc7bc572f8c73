// detection.mjs MODEL FOLDER [SHAKE [DETECTIONS]] - the average precision of a detector in ONNX Runtime, as JSON.
//
// FOLDER is detection_dump's: the test images as the network takes them, their objects, the default boxes and the
// settings of suppression. What follows the images is done here a second time and in double precision, after what
// is published: offsets and suppression as in Liu et al. (arXiv 1512.02325, section 2.2), average precision by area
// as Pascal VOC has it since 2010 and at 11 points as before (Everingham et al., IJCV 2010, section 4.2), and COCO's
// (cocodataset.org, "Detection Evaluation": ten thresholds, 101 recalls, 100 detections of an image and class).
//
// `engine` has the same figures made of the engine's own outputs. It says besides how far the runtime's are from these,
// over the largest of them: the largest difference, and the root of the mean square. SHAKE: and how far
// the figures go in ten trials when every output is changed by up to so much of the largest, which is what a
// difference of rounding may come to where scores or overlaps lie close together.
// DETECTIONS: a model-detections.onnx; `own` has the figures of what that file finds by itself.
// The runtime is looked for in the folder that ORT_DIR names (its node_modules).
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const require = createRequire(resolve(process.env.ORT_DIR ?? "build/npm", "package.json"));
const ort = require("onnxruntime-node");

const BATCH = 8, TRIALS = 10;
const [model, folder, shakeText, detections] = process.argv.slice(2);
const set = JSON.parse(readFileSync(join(folder, "detection.json"), "utf8"));
const floats = (name) => {
    const bytes = readFileSync(join(folder, name));
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};

// ---- the network ----------------------------------------------------------------------------------------
async function run() {
    const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
    const x = floats("images.f32"), pixels = set.shape.reduce((a, b) => a * b), n = set.images.length;
    const widths = { locations: 4 * set.boxes, confidences: (set.classes + 1) * set.boxes };
    const outputs = { locations: new Float32Array(n * widths.locations),
                      confidences: new Float32Array(n * widths.confidences) };
    for (let first = 0; first < n; first += BATCH) {
        const count = Math.min(BATCH, n - first);
        const images = new ort.Tensor("float32", x.subarray(first * pixels, (first + count) * pixels),
                                      [count, ...set.shape]);
        const result = await session.run({ [set.input]: images });
        for (const name in outputs) outputs[name].set(result[set[name]].data, first * widths[name]);
    }
    return outputs;
}

// What a file with suppression in it finds, as detect() has it; the best of an image first.
async function runOwn() {
    const session = await ort.InferenceSession.create(detections, { intraOpNumThreads: 1 });
    const x = floats("images.f32"), pixels = set.shape.reduce((a, b) => a * b), found = [];
    for (let first = 0; first < set.images.length; first += BATCH) {
        const count = Math.min(BATCH, set.images.length - first);
        const images = new ort.Tensor("float32", x.subarray(first * pixels, (first + count) * pixels), [count, ...set.shape]);
        const got = await session.run({ [set.input]: images });
        const rows = Array.from(got.detection_scores.data, (score, r) => {
            const image = first + Number(got.detection_images.data[r]), { width, height } = set.images[image];
            const box = Array.from(got.detection_boxes.data.subarray(4 * r, 4 * r + 4), (v, i) => v * (i % 2 ? height : width));
            return { image, label: Number(got.detection_classes.data[r]), score, box };
        }).sort((a, b) => b.score - a.score);
        for (let i = 0; i < count; i++) {
            const of = rows.filter((d) => d.image === first + i);
            found.push(...(set.keep > 0 ? of.slice(0, set.keep) : of));
        }
    }
    return found;
}

const largest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

// Of both outputs the larger difference from the engine's, over the largest element: at most, and root mean square.
function distance(outputs, mine) {
    const all = Object.keys(outputs).map((name) => {
        const difference = outputs[name].map((v, i) => v - mine[name][i]), most = largest(mine[name]);
        const squares = difference.reduce((sum, d) => sum + d * d, 0);
        return [largest(difference) / most, Math.sqrt(squares / difference.length) / most];
    });
    return [0, 1].map((i) => Math.max(...all.map((d) => d[i])));
}

// ---- detections -----------------------------------------------------------------------------------------
const clip = (v) => Math.min(Math.max(v, 0), 1);

// Corners of the box that default box p is moved to, as fractions of the image.
function decode(offsets, at, p) {
    const [cx, cy, w, h] = set.standard.slice(4 * p, 4 * p + 4), v = set.variance;
    const x = cx + offsets[at] * v[0] * w, y = cy + offsets[at + 1] * v[1] * h;
    const width = w * Math.exp(offsets[at + 2] * v[2]), height = h * Math.exp(offsets[at + 3] * v[3]);
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2].map(clip);
}

const area = ([x0, y0, x1, y1]) => Math.max(x1 - x0, 0) * Math.max(y1 - y0, 0);
const common = (a, b) => area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
const overlap = (a, b) => common(a, b) / (area(a) + area(b) - common(a, b)) || 0;

// Default boxes of an image whose probability of the class exceeds the least, best first.
function lineUp(probabilities, label) {
    const row = set.classes + 1, line = [];
    for (let p = 0; p < set.boxes; p++)
        if (probabilities[p * row + label + 1] > set.score)
            line.push({ p, score: probabilities[p * row + label + 1] });
    line.sort((a, b) => b.score - a.score);
    return set.candidates > 0 ? line.slice(0, set.candidates) : line;
}

function softmax(logits, row) {
    const out = new Float64Array(logits.length);
    for (let at = 0; at < logits.length; at += row) {
        const z = logits.subarray(at, at + row), top = Math.max(...z), e = Array.from(z, (v) => Math.exp(v - top));
        const sum = e.reduce((a, b) => a + b);
        for (let c = 0; c < row; c++) out[at + c] = e[c] / sum;
    }
    return out;
}

// What is found in image i: {image, label, score, box}, corners in pixels.
function detect(outputs, i) {
    const row = set.classes + 1, { width, height } = set.images[i], found = [];
    const logits = outputs.confidences.subarray(i * set.boxes * row, (i + 1) * set.boxes * row);
    const probabilities = softmax(logits, row);
    for (let label = 0; label < set.classes; label++) {
        const kept = [];
        for (const { p, score } of lineUp(probabilities, label)) {
            const box = decode(outputs.locations, (i * set.boxes + p) * 4, p);
            if (kept.every((other) => overlap(other.box, box) <= set.iou)) kept.push({ image: i, label, score, box });
        }
        found.push(...kept);
    }
    found.sort((a, b) => b.score - a.score);
    for (const d of found) d.box = [d.box[0] * width, d.box[1] * height, d.box[2] * width, d.box[3] * height];
    return set.keep > 0 ? found.slice(0, set.keep) : found;
}

// ---- average precision ----------------------------------------------------------------------------------
// Objects of VOC are whole pixels, inclusive, which fractions of the image have lost to float32.
const whole = (v) => (Math.abs(v - Math.round(v)) < 1e-3 ? Math.round(v) : v);
const truth = set.images.map(({ width, height, objects }) => objects.map(({ label, box, difficult }) => ({
    label, difficult, box: box.map((v, i) => whole(v * (i % 2 ? height : width))) })));

// Recall and precision after each detection, of {right, wrong} in the order of their scores.
function curve(verdicts, objects) {
    let right = 0, wrong = 0;
    return verdicts.map((v) => {
        right += v === "right";
        wrong += v === "wrong";
        return { recall: right / objects, precision: right + wrong > 0 ? right / (right + wrong) : 0 };
    });
}

const bestFrom = (points, recall) =>
    points.reduce((best, p) => (p.recall >= recall ? Math.max(best, p.precision) : best), 0);

// The detection takes the object that it overlaps most; a taken one makes it wrong, a difficult one nothing.
function vocVerdicts(detections) {
    const taken = new Set();
    return detections.map((d) => {
        let best = null, most = -1;
        for (const object of truth[d.image])
            if (object.label === d.label && overlap(d.box, object.box) > most) {
                most = overlap(d.box, object.box);
                best = object;
            }
        if (!(most > 0.5)) return "wrong";
        if (best.difficult) return "nothing";
        if (taken.has(best)) return "wrong";
        taken.add(best);
        return "right";
    });
}

// Under the envelope, whose steps are where the recall grows.
function vocArea(points) {
    const recalls = [...new Set(points.map((p) => p.recall))].filter((r) => r > 0);
    return recalls.reduce((sum, r, i) => sum + (r - (i > 0 ? recalls[i - 1] : 0)) * bestFrom(points, r), 0);
}

// The best object that is free; else a crowd (here: a difficult one), of which it may be but a part.
function cocoVerdicts(detections, threshold) {
    const taken = new Set();
    return detections.map((d) => {
        let best = null, most = threshold;
        for (const object of truth[d.image]) {
            const shared = overlap(d.box, object.box);
            if (object.label === d.label && !object.difficult && !taken.has(object) && shared >= most) {
                most = shared;
                best = object;
            }
        }
        if (best) taken.add(best);
        const crowd = truth[d.image].some((o) => o.label === d.label && o.difficult &&
                                                 common(d.box, o.box) / area(d.box) >= threshold);
        return best ? "right" : crowd ? "nothing" : "wrong";
    });
}

function firstHundred(detections) {
    const count = new Map();
    return detections.filter(({ image }) => {
        count.set(image, (count.get(image) ?? 0) + 1);
        return count.get(image) <= 100;
    });
}

// Recalls are multiples in floating point, as both tools' are: 3 * 0.1 is not reached by 3 of 10 objects.
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

// Of a class, per cent. Detections come best first, equal ones as their images do.
function judge(detections, label) {
    const objects = truth.flat().filter((o) => o.label === label && !o.difficult).length;
    if (objects === 0) return null;
    const voc = curve(vocVerdicts(detections), objects);
    const hundred = firstHundred(detections);
    const coco = Array.from({ length: 10 }, (_, t) => {
        const points = curve(cocoVerdicts(hundred, 0.5 + 0.05 * t), objects);
        return mean(Array.from({ length: 101 }, (_, r) => bestFrom(points, r * 0.01)));
    });
    return {
        ap50: 100 * vocArea(voc), ap07: 100 * mean(Array.from({ length: 11 }, (_, r) => bestFrom(voc, r * 0.1))),
        coco_ap: 100 * mean(coco), coco_ap50: 100 * coco[0], coco_ap75: 100 * coco[5],
    };
}

const figures = (outputs) => judgeAll(set.images.flatMap((_, i) => detect(outputs, i)));

function judgeAll(found) {
    found.sort((a, b) => b.score - a.score);
    const of = (label) => found.filter((d) => d.label === label);
    const classes = Array.from({ length: set.classes }, (_, label) => judge(of(label), label));
    const over = (name) => mean(classes.filter((c) => c).map((c) => c[name]));
    return {
        map50: over("ap50"), map07: over("ap07"), coco_ap: over("coco_ap"), coco_ap50: over("coco_ap50"),
        coco_ap75: over("coco_ap75"), detections: found.length, classes,
    };
}

// ---- how far rounding goes ------------------------------------------------------------------------------
let seed = 1;
const noise = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1);

function shaken(outputs, by, names, from) {
    const change = Object.fromEntries(names.map((name) => [name, 0]));
    for (let trial = 0; trial < TRIALS; trial++) {
        const moved = {};
        for (const name in outputs) {
            const most = largest(outputs[name]);
            moved[name] = Float64Array.from(outputs[name], (v) => v + by * most * noise());
        }
        const now = figures(moved);
        for (const name of names) change[name] = Math.max(change[name], Math.abs(now[name] - from[name]));
    }
    return change;
}

const mine = { locations: floats("locations.f32"), confidences: floats("confidences.f32") };
const outputs = await run(), result = figures(outputs);
result.engine = figures(mine);
[result.difference, result.difference_rms] = distance(outputs, mine);
if (detections) result.own = judgeAll(await runOwn());
if (Number(shakeText))
    result.shaken = shaken(outputs, Number(shakeText), ["map50", "map07", "coco_ap", "coco_ap50", "coco_ap75"], result);
console.log(JSON.stringify(result));
