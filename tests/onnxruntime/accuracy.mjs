// accuracy.mjs MODEL TEST_BATCH MEAN STD [IMAGES] - the accuracy of an ONNX file in ONNX Runtime, as JSON.
//
// TEST_BATCH is CIFAR-10's binary form (3073 bytes an image: label, then planes R, G, B of 32 x 32).
// The runtime is looked for in the folder that ORT_DIR names (its node_modules).
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.ORT_DIR ?? "build/npm", "package.json"));
const ort = require("onnxruntime-node");

const PIXELS = 32 * 32, RECORD = 1 + 3 * PIXELS, BATCH = 100;
const [model, batchFile, meanText, stdText, limit] = process.argv.slice(2);
const numbers = (text) => text.split(",").map(Number);
const mean = numbers(meanText), std = numbers(stdText);
const bytes = readFileSync(batchFile);
const images = Math.min(bytes.length / RECORD, Number(limit ?? Infinity));

const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
let correct = 0, milliseconds = 0;
for (let first = 0; first < images; first += BATCH) {
    const count = Math.min(BATCH, images - first);
    const x = new Float32Array(count * 3 * PIXELS);
    for (let i = 0; i < count; i++)
        for (let c = 0; c < 3; c++)
            for (let p = 0; p < PIXELS; p++)
                x[(i * 3 + c) * PIXELS + p] =
                    (bytes[(first + i) * RECORD + 1 + c * PIXELS + p] / 255 - mean[c]) / std[c];
    const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", x, [count, 3, 32, 32]) };
    const start = performance.now();
    const result = await session.run(feeds);
    milliseconds += performance.now() - start;
    const logits = result[session.outputNames[0]], classes = logits.dims[1];
    for (let i = 0; i < count; i++) {
        const row = logits.data.subarray(i * classes, (i + 1) * classes);
        correct += row.indexOf(Math.max(...row)) === bytes[(first + i) * RECORD] ? 1 : 0;
    }
}
console.log(JSON.stringify({ top1: 100 * correct / images, images, milliseconds }));
