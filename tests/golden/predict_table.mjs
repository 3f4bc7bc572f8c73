// predict_table.mjs - writes predict_table.h: what ONNX Runtime makes of one 32 x 32 picture in three fixtures.
//
// node tests/golden/predict_table.mjs >tests/golden/predict_table.h
// The runtime is looked for in the folder that ORT_DIR names (its node_modules). The picture's formula stands in
// test_predict.c too.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.ORT_DIR ?? "build/npm", "package.json"));
const ort = require("onnxruntime-node");
const version = JSON.parse(readFileSync(
    resolve(process.env.ORT_DIR ?? "build/npm", "node_modules/onnxruntime-node/package.json"))).version;

const SIDE = 32;
const mean = [0.4, 0.5, 0.6], std = [0.2, 0.25, 0.3];
const pixel = (y, x, c) => (y * y * 3 + x * 7 * (c + 1) + c * 40 + (x * y) % 11 * 5) % 256;

console.log(`/* Written by predict_table.mjs with ONNX Runtime ${version}; not edited by hand. */`);
console.log("static const struct golden table[] = {");
for (const name of ["softmax-opset12", "keras-nhwc-opset13", "sigmoid-fixed1-opset13"]) {
    const session = await ort.InferenceSession.create(`tests/fixtures/${name}/model.onnx`);
    const last = name.includes("nhwc");
    const data = new Float32Array(3 * SIDE * SIDE);
    for (let y = 0; y < SIDE; y++)
        for (let x = 0; x < SIDE; x++)
            for (let c = 0; c < 3; c++)
                data[last ? (y * SIDE + x) * 3 + c : (c * SIDE + y) * SIDE + x] =
                    (pixel(y, x, c) / 255 - mean[c]) / std[c];
    const shape = last ? [1, SIDE, SIDE, 3] : [1, 3, SIDE, SIDE];
    const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", data, shape) });
    const scores = [...outputs[session.outputNames[0]].data].map((value) => value.toPrecision(7));
    console.log(`    {"${name}", {${scores.join(", ")}}},`);
}
console.log("};");
