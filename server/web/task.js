// task.js - what the networks of a job are judged by: classifiers by accuracy, detectors by mean average precision,
// those that segment by mean IoU.
const accuracy = { key: "top1", baseline: "baseline_top1", title: "Accuracy", long: "Top-1 accuracy" };
const precision = { key: "map50", baseline: "baseline_map50", title: "mAP@.5", long: "Mean average precision" };
const overlap = { key: "miou", baseline: "baseline_miou", title: "Mean IoU", long: "Mean IoU" };

/** task: of a report; one that says none is a classifier's. side: the network's figures there, where they may tell more. */
export const judged = (task, side) =>
  (typeof side?.miou === "number" ? overlap : task === "detect" ? precision : accuracy);
/** By what these files of a search or a sweep were measured. */
export const judgedIn = (files) => judged(files.some((f) => typeof f.map50 === "number") ? "detect" : "classify");
/** Whether a data set has boxes around objects. */
export const hasBoxes = (dataset) => Boolean(dataset?.summary.bad_boxes);
/** Whether it has a class for every pixel. */
export const hasMasks = (dataset) => Boolean(dataset?.summary.splits?.train?.pixels);
