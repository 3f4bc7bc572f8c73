// pair.mjs MODEL DENSE [BATCH] - two files that must be one network, in ONNX Runtime: the largest difference
// of their outputs on drawn images over the largest output, and how long MODEL takes to load and to run
// over what DENSE takes (best of several, in turns), as JSON. The images are [BATCH,3,32,32].
// The runtime is looked for in the folder that ORT_DIR names (its node_modules).
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.ORT_DIR ?? "build/npm", "package.json"));
const ort = require("onnxruntime-node");

const ROUNDS = 7;
const [model, dense, batchText] = process.argv.slice(2);
const batch = Number(batchText ?? 8);
let seed = 1;
const noise = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1);
const x = Float32Array.from({ length: batch * 3 * 32 * 32 }, noise);

const sides = [model, dense].map((path) => ({ path, load: Infinity, run: Infinity, logits: null }));
for (let round = 0; round < ROUNDS; round++)
    for (const side of sides) {
        let start = performance.now();
        const session = await ort.InferenceSession.create(side.path, { intraOpNumThreads: 1 });
        side.load = Math.min(side.load, performance.now() - start);
        const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", x, [batch, 3, 32, 32]) };
        await session.run(feeds); // the first run sets up memory
        start = performance.now();
        const result = await session.run(feeds);
        side.run = Math.min(side.run, performance.now() - start);
        side.logits = result[session.outputNames[0]].data;
    }
const [a, b] = sides;
let difference = 0, largest = 0;
for (let i = 0; i < b.logits.length; i++) {
    difference = Math.max(difference, Math.abs(a.logits[i] - b.logits[i]));
    largest = Math.max(largest, Math.abs(b.logits[i]));
}
console.log(JSON.stringify({
    difference: difference / largest,
    load_ratio: a.load / b.load, run_ratio: a.run / b.run, load_ms: a.load, run_ms: a.run,
}));
