// task.js - what the networks of a job are judged by: classifiers by accuracy, detectors by mean average precision,
// those that segment by mean IoU; networks of any kind by how far their outputs are from the baseline's, and by one of
// these where the labels fit.
const accuracy = { key: "top1", baseline: "baseline_top1", title: "Accuracy", long: "Top-1 accuracy" };
const precision = { key: "map50", baseline: "baseline_map50", title: "mAP@.5", long: "Mean average precision" };
const overlap = { key: "miou", baseline: "baseline_miou", title: "Mean IoU", long: "Mean IoU" };
const agreement = { key: "agreement", baseline: "baseline_agreement", title: "Agreement", long: "Agreement with the baseline's outputs" };

/** By what a task's files are judged. */
export const judged = (task) => (task === "detect" ? precision : accuracy);
/** The same of a report, null where its networks have no such figure; one that names no task is a classifier's. */
export const judgedReport = ({ task, compressed }) => task !== "distill" ? judged(task)
  : [overlap, precision, accuracy].find(({ key }) => typeof compressed[key] === "number") ?? null;
/** The largest error among a report's outputs (key: error, start_error); null where none was distilled. */
export const worstError = ({ outputs }, key) =>
  (outputs ?? []).map((o) => o[key]).filter((e) => typeof e === "number").reduce((a, b) => Math.max(a ?? b, b), null);
/** By what these files of a search or a sweep were measured. */
export const judgedIn = (files) => [precision, overlap, agreement]
  .find(({ key }) => files.some((f) => typeof f[key] === "number")) ?? accuracy;
/** Whether a data set has boxes around objects. */
export const hasBoxes = (dataset) => Boolean(dataset?.summary.bad_boxes);
/** Whether it has a class for every pixel. */
export const hasMasks = (dataset) => Boolean(dataset?.summary.splits?.train?.pixels);
