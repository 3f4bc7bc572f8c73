/*
 * fsnet.h - the whole public interface of libfsnet, the compression engine.
 *
 * The engine takes a trained convolutional network (ONNX) and labelled images and returns the same
 * network with every convolution's filters cut as overlapping blocks out of one small shared tensor
 * (Filter Summary; Yang et al., "FSNet", arXiv 1902.03264), fine-tuned by distillation, quantised,
 * and written as a standard ONNX file. It never prints, exits or aborts; it knows no HTTP and no
 * SQL.
 *
 * Conventions that hold for every function below:
 *   - Fallible functions return an fsn_status and take a last `struct fsn_error *err`, which may be
 *     NULL. The first error wins: an err that already holds one is left alone.
 *   - Out-parameters are written only on success (FSN_OK), unless said otherwise.
 *   - "new": the caller owns the result and frees it with the named function. "borrowed": valid
 *     while the named owner lives. destroy(NULL) does nothing.
 *   - Images are NCHW; sizes of memory are in bytes; accuracies are in per cent.
 *   - Objects may be used by one thread at a time; different objects by different threads at once.
 */
#ifndef FSNET_H
#define FSNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FSN_VERSION "0.1.0"

/* ---- status and errors --------------------------------------------------------------------- */

/* X(code, name, what it means). The server maps each to an HTTP status; a test walks this list. */
#define FSN_STATUS_LIST(X)                                                               \
    X(OK, "ok", "success")                                                               \
    X(NOMEM, "out_of_memory", "an allocation failed")                                    \
    X(INVALID, "invalid_argument", "an argument or a setting is outside its range")      \
    X(IO, "io", "a file could not be opened, read or written")                           \
    X(FULL, "storage_full", "the disk is full: delete what is not needed, or try later") \
    X(FORMAT, "malformed", "the bytes are not what their format demands")                \
    X(UNSUPPORTED, "unsupported", "valid, but the engine cannot take it")                \
    X(SHAPE, "shape_mismatch", "tensor shapes or types do not fit together")             \
    X(LIMIT, "limit_exceeded", "larger than a configured limit")                         \
    X(MISMATCH, "data_mismatch", "the data set does not fit the model")                  \
    X(BUDGET, "impossible_budget", "the compression asked for cannot be reached")        \
    X(CANCELLED, "cancelled", "the progress callback asked to stop")                     \
    X(DIVERGED, "diverged", "training produced a value that is not finite")              \
    X(INTERNAL, "internal", "a defect of the engine itself")

enum fsn_status {
#define FSN__ENUM(code, name, text) FSN_##code,
    FSN_STATUS_LIST(FSN__ENUM)
#undef FSN__ENUM
        FSN_STATUS_COUNT
};

struct fsn_error {
    enum fsn_status status; /* FSN_OK: no error yet */
    int line;               /* where in the engine's source it was raised */
    const char *file;       /* static string */
    char text[1024];        /* names the place, what was expected and what came */
};

#if defined(__GNUC__)
#define FSN_NODISCARD __attribute__((warn_unused_result))
#else
#define FSN_NODISCARD
#endif

/* Stable lower-case name ("shape_mismatch") and one-line meaning; static strings. */
const char *fsn_status_name(enum fsn_status status);
const char *fsn_status_text(enum fsn_status status);

/* How alike two names are, for "did you mean": Levenshtein's edit distance; SIZE_MAX when either is
 * longer than FSN_SIMILAR_MAX. */
#define FSN_SIMILAR_MAX 64
size_t fsn_edit_distance(const char *a, const char *b);

/* Of a write that failed, by its errno: FSN_FULL where there is no room, else FSN_IO. */
enum fsn_status fsn_status_of_errno(int cause);

/* Several faults of one input at once: the dry plan names every reason, not only the first. */
#define FSN_MAX_FAULTS 32
struct fsn_fault {
    char pointer[120]; /* JSON pointer into the spec ("/filter_summary/ratio"), or "" */
    char text[392];
};
struct fsn_faults {
    size_t count;
    struct fsn_fault item[FSN_MAX_FAULTS];
};

/* ---- progress ------------------------------------------------------------------------------ */

#define FSN_STAGE_LIST(X)   \
    X(LOAD, "load")         \
    X(BASELINE, "baseline") \
    X(PLAN, "plan")         \
    X(FIT, "fit")           \
    X(FINETUNE, "finetune") \
    X(QUANTIZE, "quantize") \
    X(EXPORT, "export")     \
    X(VERIFY, "verify")     \
    X(REPORT, "report")

enum fsn_stage {
#define FSN__ENUM(code, name) FSN_STAGE_##code,
    FSN_STAGE_LIST(FSN__ENUM)
#undef FSN__ENUM
        FSN_STAGE_COUNT
};

const char *fsn_stage_name(enum fsn_stage stage);

/* One row of the training curve, complete when an epoch ends. */
struct fsn_epoch {
    int epoch;         /* 1-based */
    double lr;         /* learning rate of the last step */
    double train_loss; /* mean over the epoch, of the loss that is minimised */
    double train_top1; /* per cent, on the augmented training images as they were seen; NaN: a
                          detector is trained, outputs are distilled, or pixels are told apart */
    double seconds;
    double images_per_second;
    double teacher_top1; /* the teacher's, on the same images; NaN: none was asked */
    double held_top1;    /* on the images that are held back, after the epoch; NaN: none are, or
                            train_top1 is NaN */
    double held_loss; /* cross-entropy on them, or on their pixels; of a detector, its loss without
                         a teacher; of outputs that are distilled, the loss that is minimised */
    int candidate;    /* the file that is trained, 1-based; 0: the job makes one */
    double matched;   /* of a detector: default boxes that are matched with objects, the mean of
                         the images; NaN: no detector is trained */
};

/* ---- several files in a job ----------------------------------------------------------------- */

#define FSN_MAX_CANDIDATES 32

/* One of the files that a search or a sweep has made and measured, on test images that are there
 * for the choice alone: accuracy in per cent of them, differences from the baseline's in points. */
struct fsn_candidate {
    int64_t budget_bytes; /* what it was to have at most; 0: a ratio was given */
    int64_t size_bytes;   /* what it has */
    int64_t parameters, effective_parameters;
    double ratio; /* the baseline's bytes over its own */
    int bits;     /* of stored values */
    /* Per cent, what the networks are judged by: top-1, mAP at an overlap of a half, mean IoU, or
     * how much of the baseline's outputs is there, 100 (1 - their relative error). The others are
     * NaN, and so are all of them where training diverged. */
    double top1, map50, miou, agreement;
    double drop;       /* of that from the baseline's */
    double drop_error; /* standard error of the drop of top1, from the images that differ */
    bool holds;        /* the drop is within budget.max_accuracy_drop, which is set */
    double seconds;
};

/* Where a search or a sweep is. */
struct fsn_search {
    int candidate;            /* the one in hand, 1-based */
    int candidates;           /* that there will be at most */
    int64_t budget_bytes;     /* of the one in hand, as above */
    double max_accuracy_drop; /* that is to be held; 0: none */
    int count;
    const struct fsn_candidate *done; /* [count] */
};
/* The same as JSON text; new, freed by free(). */
FSN_NODISCARD enum fsn_status fsn_search_json(const struct fsn_search *search, char **json,
                                              struct fsn_error *err);

struct fsn_progress {
    enum fsn_stage stage;
    double fraction; /* 0..1 of the whole job */
    int epoch;       /* current epoch, 1-based; 0 outside training */
    int epochs;
    int64_t step; /* within the epoch (or batch, while evaluating) */
    int64_t steps;
    double loss; /* of the last step; NaN when there is none */
    double images_per_second;
    double seconds_left;               /* of the whole job; negative when unknown */
    const struct fsn_epoch *epoch_row; /* non-NULL exactly once, when an epoch has ended */
    const struct fsn_search *search;   /* NULL: the job makes one file */
};

/* Called on the thread that runs the job, at least at every step. Returning false cancels: the
 * running call stops at once with FSN_CANCELLED and leaves the last checkpoint valid. */
typedef bool fsn_progress_fn(const struct fsn_progress *progress, void *user);

/* ---- models -------------------------------------------------------------------------------- */

struct fsn_model; /* a network with its weights */

/* The batch axis of a shape, while it is symbolic. */
#define FSN_BATCH INT64_MIN
#define FSN_MAX_DIMS 8

/* Limits on what an ONNX file may hold; zero means the default. */
struct fsn_import_limits {
    size_t max_bytes;     /* default 2 GiB - 1, protobuf's own limit */
    size_t max_nodes;     /* default 100,000, after functions are inlined */
    size_t max_values;    /* default 200,000 */
    size_t max_elements;  /* of one tensor; default 2^30 */
    size_t max_constants; /* bytes of all constants together, folded ones included; default 8 GiB */
};

/* Reads an ONNX file (opset 7..27, and 1..6 where operators kept their form). Errors: IO, FORMAT,
 * UNSUPPORTED (names operator and node), SHAPE, LIMIT, NOMEM. limits may be NULL. *out is new,
 * freed by fsn_model_destroy. */
FSN_NODISCARD enum fsn_status fsn_model_load(const char *path,
                                             const struct fsn_import_limits *limits,
                                             struct fsn_model **out, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn_model_load_memory(const void *bytes, size_t size,
                                                    const struct fsn_import_limits *limits,
                                                    struct fsn_model **out, struct fsn_error *err);
void fsn_model_destroy(struct fsn_model *model);

enum fsn_export_form {
    FSN_EXPORT_SMALL,   /* Filter Summaries, and layers that are alike, as calls of functions */
    FSN_EXPORT_WRITTEN, /* the same nodes written out, for runtimes without functions */
    FSN_EXPORT_DENSE,   /* filters written out */
};

/* Writes the model as ONNX (IR 8, opset 13), atomically (temporary file, fsync, rename). */
FSN_NODISCARD enum fsn_status fsn_model_save(const struct fsn_model *model, const char *path,
                                             enum fsn_export_form form, struct fsn_error *err);

/* What `fsnet inspect` and POST /v1/models show, as JSON text: inputs, outputs, operators, layers,
 * parameters (as the reference counts them), trainable parameters, MACs of one image, what can be
 * compressed. *json is new, freed by free(). */
FSN_NODISCARD enum fsn_status fsn_model_summary_json(const struct fsn_model *model, char **json,
                                                     struct fsn_error *err);

/* What convolutions multiply in training. */
enum fsn_precision {
    FSN_PRECISION_FLOAT32,
    FSN_PRECISION_MIXED /* bfloat16 in a CPU that has a unit for it (Intel AMX), summed in float;
                           elsewhere float32 */
};

/* How the engine would run the model with this batch and these threads (0: all cores), as JSON
 * text: the nodes as they are lowered for inference or, in that precision, for training, each with
 * its algorithm for every pass, what it does on load and on store, GFLOP and scratch; the
 * instruction set and the memory planned. Allocates none of that memory. *json is new, freed by
 * free(). */
FSN_NODISCARD enum fsn_status fsn_model_kernels_json(const struct fsn_model *model, bool training,
                                                     enum fsn_precision precision, int batch,
                                                     int threads, char **json,
                                                     struct fsn_error *err);

/* Runs the ONNX test cases in dir (test_data_set_N/, or dir itself: input_K.pb, output_K.pb)
 * against the model file. Inputs that an operator needs as constants are bound as such. */
struct fsn_check {
    int cases;        /* data sets compared */
    int64_t elements; /* values compared */
    double max_abs;   /* largest absolute error */
    double max_rel;   /* largest error relative to the expected value */
    bool passed;      /* |got - want| <= atol + rtol * |want| everywhere, shapes and types equal */
    char worst[256];  /* the output and index of the largest excess, or what else differs */
};
FSN_NODISCARD enum fsn_status fsn_model_check(const char *model_path, const char *dir, double rtol,
                                              double atol, struct fsn_check *out,
                                              struct fsn_error *err);

/* Builds one of the paper's networks with fresh weights (He initialisation from seed).
 * arch: see fsn_arch_names(), a NULL-terminated static list. Zero classes / input_size: the
 * architecture's own. */
struct fsn_arch_options {
    int classes;
    int input_size;     /* height = width */
    int input_channels; /* 0: 3 */
    int growth;         /* DenseNet's k; 0: 12 */
    uint64_t seed;
    int width; /* U-Net: channels of the first stage, which each next one doubles; 0: 16 */
};
const char *const *fsn_arch_names(void);
FSN_NODISCARD enum fsn_status fsn_arch_build(const char *arch,
                                             const struct fsn_arch_options *options,
                                             struct fsn_model **out, struct fsn_error *err);

/* ---- data sets ----------------------------------------------------------------------------- */

struct fsn_dataset;

enum fsn_split { FSN_SPLIT_TRAIN, FSN_SPLIT_TEST, FSN_SPLIT_COUNT };

/* Limits on an archive; zero means the default. */
struct fsn_data_limits {
    size_t max_entries;   /* default 1,000,000 */
    size_t max_bytes;     /* unpacked; default 8 GiB */
    double max_expansion; /* unpacked over packed; default 1000 */
    size_t max_cache;     /* bytes of decoded images that are kept; default 512 MiB */
};

/* The formats that are read, NULL-terminated; static. */
const char *const *fsn_dataset_formats(void);

/* Reads a data set. path: an archive (tar, tar.gz, tar.xz, tar.bz2, zip) or a folder. format: one
 * of the above, or NULL to recognise it by content. JPEG and PNG files stay encoded, in a temporary
 * file below $TMPDIR (default /var/tmp), and are decoded when they are needed: here only their
 * headers are read. Errors: IO, FORMAT (names the entry and the place), UNSUPPORTED, LIMIT, NOMEM.
 * *out is new, fsn_dataset_destroy. */
FSN_NODISCARD enum fsn_status fsn_dataset_open(const char *path, const char *format,
                                               const struct fsn_data_limits *limits,
                                               struct fsn_dataset **out, struct fsn_error *err);
/* Where that temporary file lies: $TMPDIR, or /var/tmp, which unlike /tmp is a disk on every
 * system. Borrowed from the environment. */
const char *fsn_temporary_folder(void);
/* Whether one can be made there now. Errors: FULL, IO, naming the folder and why not. */
FSN_NODISCARD enum fsn_status fsn_temporary_check(struct fsn_error *err);
void fsn_dataset_destroy(struct fsn_dataset *dataset);

/* Decodes every JPEG and PNG of the data set once, to find the damaged ones before a job does;
 * threads as in a spec. Errors: FORMAT (names the file), IO, NOMEM. */
FSN_NODISCARD enum fsn_status fsn_dataset_verify(const struct fsn_dataset *dataset, int threads,
                                                 struct fsn_error *err);

struct fsn_range {
    int min, max;
};

/* Boxes of a detection set (Pascal VOC, COCO). */
struct fsn_object_counts {
    int64_t count;
    int64_t difficult; /* of these: flagged so, or a crowd */
    int64_t
        truncated; /* of these: flagged so (Pascal VOC), as going on beyond their box; they count */
    int64_t empty; /* boxes without an area, which are left out */
};

/* Boxes that were left out, the first of them by name. */
enum fsn_box_fault { FSN_BOX_EMPTY, FSN_BOX_OUTSIDE, FSN_BOX_UNKNOWN_CLASS };
enum { FSN_MAX_BAD_BOXES = 100 };
struct fsn_bad_box {
    char *image, *class_name;
    double given[4]; /* as the file has it: xmin, ymin, xmax, ymax (VOC), x, y, w, h (COCO) */
    enum fsn_box_fault fault;
};
struct fsn_bad_boxes {
    int64_t count;
    struct fsn_bad_box *listed; /* [min(count, FSN_MAX_BAD_BOXES)], or NULL */
};
/* "empty", "outside" or "unknown_class"; static. */
const char *fsn_box_fault_name(enum fsn_box_fault fault);

/* The value of a mask's pixels that have no class: they are neither learned nor counted. */
enum { FSN_MASK_VOID = 255 };
/* Pixels of the masks of a segmentation set. */
struct fsn_pixel_counts {
    int64_t labelled; /* of a class */
    int64_t none;     /* FSN_MASK_VOID */
};

struct fsn_dataset_info {
    const char *format; /* static */
    int channels;       /* 3 when any image has colour */
    int height, width;  /* 0: images of any size, which are brought to the network's */
    struct fsn_range height_range, width_range;
    bool split_made;       /* the test images are a tenth of the train images: there were none */
    int64_t unused_images; /* in no class, or of a third split */
    bool detection;        /* images have boxes, which detectors are to find */
    struct fsn_object_counts objects[FSN_SPLIT_COUNT]; /* of a detection set, else 0 */
    int classes; /* largest label + 1, at least 2; 0: images without labels */
    int64_t images[FSN_SPLIT_COUNT];
    /* [classes] images, objects of a detection set, or pixels of a segmentation set; borrowed from
     * the data set */
    const int64_t *per_class[FSN_SPLIT_COUNT];
    const char *const *class_names; /* [classes] borrowed, or NULL */
    struct fsn_bad_boxes bad_boxes; /* of a detection set; borrowed from the data set */
    int first_pixel; /* of a Pascal VOC set: the number that boxes give it, 0 or 1; else 0 */
    const char *first_pixel_file; /* the annotation that says 0; borrowed, or NULL */
    bool segmentation;            /* images have masks, a class for every pixel */
    struct fsn_pixel_counts pixels[FSN_SPLIT_COUNT]; /* of a segmentation set, else 0 */
};
void fsn_dataset_info(const struct fsn_dataset *dataset, struct fsn_dataset_info *out);

/* Splits, counts per class, image shape as JSON text; new, freed by free(). */
FSN_NODISCARD enum fsn_status fsn_dataset_summary_json(const struct fsn_dataset *dataset,
                                                       char **json, struct fsn_error *err);

/* Draws a small labelled data set of ten kinds of shapes (noise, colours, places and sizes vary),
 * and writes it as a CIFAR-10 binary archive (.tar.gz). For the demo and the tests: the same seed
 * gives the same images. */
FSN_NODISCARD enum fsn_status fsn_dataset_draw(const char *path, int64_t train_images,
                                               int64_t test_images, uint64_t seed,
                                               struct fsn_error *err);

/* The same for detection: one to four such shapes of four kinds, with their boxes, on pictures of
 * 96 x 96, as a Pascal VOC archive of PNG files. */
FSN_NODISCARD enum fsn_status fsn_dataset_draw_boxes(const char *path, int64_t train_images,
                                                     int64_t test_images, uint64_t seed,
                                                     struct fsn_error *err);

/* The same for segmentation: such pictures with a mask for each, whose classes are the background
 * and the four kinds, in folders images/ and masks/ with names.txt. The rim of a shape is void. */
FSN_NODISCARD enum fsn_status fsn_dataset_draw_masks(const char *path, int64_t train_images,
                                                     int64_t test_images, uint64_t seed,
                                                     struct fsn_error *err);

/* ---- the job spec -------------------------------------------------------------------------- */

#define FSN_MAX_CHANNELS 4
#define FSN_MAX_EXCLUDE 256
#define FSN_MAX_MILESTONES 16
#define FSN_MAX_THREADS 64

enum fsn_scale {
    FSN_SCALE_UNIT, /* pixels in 0..1 */
    FSN_SCALE_BYTE  /* pixels in 0..255 */
};
enum fsn_crop {
    FSN_CROP_CENTER, /* resize the shorter side, keep the shape, cut out the centre */
    FSN_CROP_NONE    /* resize both sides to the network's input, changing the shape */
};

/* x = (pixel / 255 - mean) / std, per channel; (pixel - mean) / std with FSN_SCALE_BYTE. channels
 * 0: mean 0, std 1 for any image. Photographs are resized first (antialiased bilinear) and cropped
 * to the network's input. */
struct fsn_preprocess {
    int channels;
    float mean[FSN_MAX_CHANNELS];
    float std[FSN_MAX_CHANNELS];
    enum fsn_scale scale;
    int resize; /* shorter side before the crop; 0: the input's side / 0.875 from 112 pixels on
                   (256 for 224), the input's side itself below */
    enum fsn_crop crop;
};

enum fsn_layout {
    FSN_LAYOUT_DENSE,
    FSN_LAYOUT_1D,     /* segments of a vector */
    FSN_LAYOUT_3D,     /* blocks of a box */
    FSN_LAYOUT_LEARNED /* segments of a vector, each where training put it */
};
enum fsn_spacing {
    FSN_SPACING_EVEN,      /* start of filter k = floor(k L / K): K distinct starts */
    FSN_SPACING_REFERENCE, /* floor(k L / (K - 1)): the last filter repeats the first */
    FSN_SPACING_FREE       /* anywhere, as stored: what learned locations become; not for specs */
};
enum fsn_start {                          /* what Filter Summaries hold before training */
                 FSN_START_RANDOM,        /* noise of the weights' standard deviation */
                 FSN_START_LEAST_SQUARES, /* what is nearest to the weights, filters in order */
                 FSN_START_ASSIGNED, /* filters put where they agree best, with signs and scales */
                 FSN_START_ACTIVATIONS /* then what comes nearest to what the layers write on images
                                        */
};
enum fsn_schedule { FSN_SCHEDULE_COSINE, FSN_SCHEDULE_STEP };
enum fsn_restore_bn {
    FSN_RESTORE_BN_AUTO, /* behind convolutions with a bias, which folding leaves */
    FSN_RESTORE_BN_ALL,  /* behind every convolution that has none */
    FSN_RESTORE_BN_NONE
};

/* How a budget is shared among the layers. */
enum fsn_distribution {
    FSN_DISTRIBUTION_EVEN,       /* one ratio for all, as in the paper */
    FSN_DISTRIBUTION_SENSITIVITY /* by what compressing each layer alone costs the network */
};

enum fsn_granularity {
    FSN_GRANULARITY_SUMMARY, /* one step a Filter Summary */
    FSN_GRANULARITY_SEGMENT  /* one for every FSN_SEGMENT values of it */
};
#define FSN_SEGMENT 128
enum fsn_quant_range {
    FSN_RANGE_AUTO,    /* minmax at 8 bits, mse below */
    FSN_RANGE_MIN_MAX, /* the levels reach from the least to the largest value */
    FSN_RANGE_MSE      /* they lie where the mean squared error is least */
};
enum fsn_quant_aware { FSN_AWARE_AUTO /* below 8 bits */, FSN_AWARE_ON, FSN_AWARE_OFF };
enum fsn_quant_step { FSN_STEP_LEARNED, FSN_STEP_FITTED };
enum fsn_int8 { FSN_INT8_OFF, FSN_INT8_ON };
/* model-detections.onnx: none; boxes and scores; the boxes that suppression leaves. */
enum fsn_detections { FSN_DETECTIONS_OFF, FSN_DETECTIONS_DECODE, FSN_DETECTIONS_NMS };

/* The values of a sweep. */
#define FSN_MAX_SWEEP 12
struct fsn_list {
    int count;
    double item[FSN_MAX_SWEEP]; /* rising */
};

#define FSN_MAX_BOX_MAPS 16
#define FSN_MAX_BOX_RATIOS 8

/* The default boxes at each pixel of one map of a detector, sizes in pixels of the image: a square
 * of min_size; one of sqrt(min_size max_size) unless max_size is 0; and for each ratio a a box of
 * the area of the first that is a times as wide as high, and one that is a times as high as wide.
 */
struct fsn_box_map {
    int width, height; /* of the map */
    double step;       /* between neighbours */
    double min_size, max_size;
    int ratio_count;
    double ratios[FSN_MAX_BOX_RATIOS];
};

enum fsn_boxes {
    FSN_BOXES_AUTO, /* the one of these two that has as many boxes as the network */
    FSN_BOXES_SSD300,
    FSN_BOXES_SSD_LITE,
    FSN_BOXES_RULE,  /* as stated */
    FSN_BOXES_TENSOR /* constants of the model */
};

/* What the four numbers of a box in a tensor are. */
enum fsn_box_form {
    FSN_BOX_CENTER, /* cx, cy, width, height */
    FSN_BOX_CORNER  /* x0, y0, x1, y1 */
};

/* What the outputs of a detector are relative to, map by map, row by row, pixel by pixel. */
struct fsn_default_boxes {
    enum fsn_boxes kind;
    /* Of FSN_BOXES_RULE alone: */
    int map_count;
    struct fsn_box_map maps[FSN_MAX_BOX_MAPS];
    bool clip; /* every number to 0..1 */
    /* Of FSN_BOXES_RULE and FSN_BOXES_TENSOR: */
    double variance[4]; /* of x, y, width, height: an offset of 1 is so large */
    /* Of FSN_BOXES_TENSOR alone. Names of constants of the model, float32: one of [P,4] or [1,P,4],
     * or two of [P,2] or [1,P,2], the first and the last two of the numbers. */
    char *tensor[2]; /* the second NULL: one */
    enum fsn_box_form form;
    bool pixels; /* of the input; else fractions of the image */
    /* Set by the library, of the model at hand: [rows][columns] numbers. */
    const float *values[2];
    int64_t rows[2];
    int columns[2];
};

/* What a network is to do. */
enum fsn_task {
    FSN_TASK_AUTO,     /* by the data set: its boxes are found, its classes are told apart; without
                          either, or with masks, the network is distilled */
    FSN_TASK_CLASSIFY, /* class scores of images, learned from labels and a teacher */
    FSN_TASK_DETECT,   /* boxes of objects, likewise */
    FSN_TASK_DISTILL   /* anything: outputs follow the teacher's, labels are ignored */
};
/* "auto", "classify", "detect" or "distill"; static. */
const char *fsn_task_name(enum fsn_task task);

/* How an output is compared with the teacher's. Each is divided by what it would be if the student
 * said the same of all images, so that outputs of any scale weigh alike. */
enum fsn_output_loss {
    FSN_OUTPUT_AUTO,   /* kl where the output ends in a Softmax, else mse */
    FSN_OUTPUT_MSE,    /* mean squared difference */
    FSN_OUTPUT_COSINE, /* 1 - cosine of the angle between all values of an image */
    FSN_OUTPUT_KL      /* KL(softmax(t / T) || softmax(s / T)) T^2, of what its Softmax reads, along
                          that one's axis; of an output without one: along axis 1 of [N,C,H,W], the
                          last of others. T: finetune.distill.temperature */
};
/* "auto", "mse", "cosine" or "kl"; static. */
const char *fsn_output_loss_name(enum fsn_output_loss loss);

#define FSN_MAX_DISTILL_OUTPUTS 16
struct fsn_distill_output {
    char *name;
    enum fsn_output_loss loss;
    double weight; /* of its loss in the sum, > 0 */
};
struct fsn_distill_outputs {
    int count; /* 0: all outputs of floating-point numbers */
    struct fsn_distill_output item[FSN_MAX_DISTILL_OUTPUTS];
};

struct fsn_spec {
    enum fsn_task task;
    char *output; /* name of the model's output of class scores, of images or (masks) of pixels;
                     NULL: chosen by shape */
    struct fsn_distill_outputs distill_outputs; /* of FSN_TASK_DISTILL: those that follow */
    struct {
        char *locations;   /* name of the output [N,P,4]; NULL: chosen by shape */
        char *confidences; /* of [N,P,classes + 1], the background first; NULL: likewise */
        struct fsn_default_boxes default_boxes;
        double score;   /* a detection's must exceed this */
        double iou;     /* a detection that shares more with a better one of its class goes */
        int candidates; /* of each class the best so many are looked at; 0: all */
        int keep;       /* of an image the best so many detections are kept; 0: all */
    } detection;
    struct fsn_preprocess preprocess;
    struct {
        enum fsn_layout layout;
        double ratio;     /* a layer's weights over its Filter Summary, > 1 */
        double ratio_1x1; /* for 1x1 convolutions; 0: ratio */
        enum fsn_spacing spacing;
        enum fsn_start start;
        size_t exclude_count;
        char *exclude[FSN_MAX_EXCLUDE]; /* layer names (conv node names), kept dense */
    } filter_summary;
    struct {
        int size_bytes; /* of model.onnx, at most; 0: the ratio says how small */
        int parameters; /* of the compressed network, at most; 0: likewise */
        /* Points of the job's figure that the smallest file may lose; 0: it is not looked for. */
        double max_accuracy_drop;
        int search_seconds;    /* no file is begun that would not be done by then */
        int search_candidates; /* files that are made at most */
        enum fsn_distribution distribution;
    } budget;
    struct { /* a file for each of these values; at most one list has any */
        struct fsn_list size_bytes, ratio, bits;
    } sweep;
    struct {
        int epochs; /* 0: only fit, no training */
        int batch_size;
        double lr;          /* peak */
        double sharing;     /* share of the epochs that filters take to become F's; 0: at once */
        double location_lr; /* layout learned: lr of the locations, over that of all else */
        double rounding;    /* ... the share of the epochs after which they become whole and stay */
        double momentum;
        double weight_decay;    /* not on batch norm, not on biases */
        double weight_decay_bn; /* on these */
        double clip_norm;       /* gradients of a larger norm, all together, are scaled; 0: off */
        double ema;             /* what the average of the weights keeps in a step; 0: off */
        double label_smoothing;
        double mixup;                 /* alpha of Beta(alpha, alpha); 0: off */
        enum fsn_precision precision; /* of the teacher too; what is measured is float32 always */
        enum fsn_schedule schedule;
        int warmup_steps;
        int milestone_count; /* step schedule: lr * gamma at each share of the epochs */
        double milestones[FSN_MAX_MILESTONES];
        double gamma;
        struct {
            double alpha; /* loss = (1 - alpha) CE + alpha T^2 KL(teacher || student); of
                             detectors: offsets of boxes too (smooth L1) */
            double temperature;
            double feature; /* weight of the difference of feature maps; 0: off */
        } distill;
        /* Detectors are trained with the augmentation of SSD where crop or flip is on, else without
         * any; label_smoothing, mixup, cutout and distill.feature must be off. */
        int crop_padding;   /* pad-and-crop augmentation; 0: off */
        bool flip;          /* random horizontal flip */
        bool cutout;        /* blank a square at a random place */
        int cutout_size;    /* its side; 0: half of the input's shorter side */
        double holdout;     /* share of the training images that is held back; 0: none */
        int patience;       /* epochs without a better held-back figure; 0: all are run */
        int recalibrate_bn; /* batches that batch norm's statistics are taken from at the end */
        enum fsn_restore_bn restore_bn;
    } finetune;
    struct {
        int bits;       /* 1, 2, 3, 4, 6, 8, or 32 for none */
        int least_bits; /* a layer may have fewer, down to this; 0: see the field's help */
        int rest_bits;  /* of what no Filter Summary holds: 8, 16 or 32; 32 where bits is */
        enum fsn_granularity granularity;
        enum fsn_quant_range range;
        enum fsn_quant_aware aware; /* the last steps train what the quantiser makes of F ... */
        double aware_share;         /* ... this share of them */
        enum fsn_quant_step step; /* then: learned by gradient, or fitted anew before each epoch */
    } quantize;
    struct {
        enum fsn_int8 int8;             /* model-int8.onnx too, with activations in 8 bits */
        enum fsn_detections detections; /* model-detections.onnx too, of a detector */
    } files;
    uint64_t seed;
    /* Shares that the work is cut into, 0..FSN_MAX_THREADS; 0: one for each core. Results
     * depend on it, but not on how many cores work on the shares: all that there are, divided
     * evenly among the calls under way in the process. */
    int threads;
};

void fsn_spec_defaults(struct fsn_spec *spec);
void fsn_spec_clear(struct fsn_spec *spec); /* frees what it owns; the struct itself is yours */

/* Reads a JSON object over the defaults. Malformed JSON: FSN_FORMAT with line and column. Wrong
 * types, unknown fields and values out of range: FSN_INVALID, every one listed in faults. The keys
 * in `ignore` (NULL-terminated, may be NULL) are the caller's own. */
FSN_NODISCARD enum fsn_status fsn_spec_from_json(const char *json, size_t size,
                                                 const char *const *ignore, struct fsn_spec *out,
                                                 struct fsn_faults *faults, struct fsn_error *err);
/* Every setting of the spec, in the order in which it is written: reading, writing, --help and the
 * documentation all come from this table. Static; *count rows. */
enum fsn_field_kind {
    FSN_FIELD_INT,      /* int, min..max, or one of choices when there are any */
    FSN_FIELD_NUMBER,   /* double, min..max */
    FSN_FIELD_SEED,     /* uint64_t, min..max */
    FSN_FIELD_CHOICE,   /* an enum; choice i of "a|b" has the value min + i */
    FSN_FIELD_CHANNELS, /* array of one number a channel, float[FSN_MAX_CHANNELS] */
    FSN_FIELD_SHARES,   /* array of rising numbers, double[FSN_MAX_MILESTONES] */
    FSN_FIELD_NUMBERS,  /* array of rising numbers, struct fsn_list */
    FSN_FIELD_WHOLES,   /* the same, of whole ones */
    FSN_FIELD_NAME,     /* a name, char * */
    FSN_FIELD_NAMES,    /* array of names, char *[FSN_MAX_EXCLUDE] */
    FSN_FIELD_SET,      /* array of some of choices; has no member of its own */
    FSN_FIELD_BOXES,    /* one of choices, or an object; struct fsn_default_boxes */
    FSN_FIELD_OUTPUTS   /* array of outputs, whose loss is one of choices; struct
                           fsn_distill_outputs */
};
struct fsn_spec_field {
    const char *pointer; /* JSON pointer: "/filter_summary/ratio" */
    enum fsn_field_kind kind;
    size_t offset;       /* of the member in struct fsn_spec */
    double min, max;     /* both allowed; of each number of an array */
    bool or_zero;        /* zero is allowed too, below min */
    double fallback;     /* the default; an array's is said in help */
    const char *choices; /* "a|b|c", or NULL */
    const char *help;    /* one line */
};
const struct fsn_spec_field *fsn_spec_fields(size_t *count);

/* The full spec with every default written out; new, freed by free(). */
FSN_NODISCARD enum fsn_status fsn_spec_to_json(const struct fsn_spec *spec, char **json,
                                               struct fsn_error *err);

/* ---- plan ---------------------------------------------------------------------------------- */

struct fsn_plan_layer {
    char *name;                                       /* of the conv node */
    int64_t filters, channels, height, width, groups; /* K, C per group, R, S */
    enum fsn_layout layout;
    int64_t fs_dim[3];          /* 1d, learned: {L,0,0}; 3d: {D,H,V} */
    int64_t fs_size;            /* elements; K C R S for a dense layer */
    int64_t grid[3], stride[3]; /* 3d: g_c g_y g_x and t_c t_y t_x */
    double ratio;               /* filters' elements over fs_size */
    int bits;                   /* of the stored values: 1 to 8, or 32 */
    int64_t segment;            /* values of F that share a step; 0: all of them */
    const char *note;           /* why the layer stays dense, or NULL; static */
    double fit_error;           /* |W - A F| / |W| at the start, batch norm folded in where it takes
                                   up scales; NaN before the fit */
    double activation_error;    /* the same of what the layer writes; NaN where nobody measured */
    double quant_error;         /* |F - Q(F)| / |F| of what is stored; NaN before it */
    double start_quant_error;   /* the same of the fitted F, before any training */
    /* What of the layer's output on some test images no scale and shift of each channel brings
     * back, as a share of how far the baseline's varies (0..1; what layers before have changed is
     * in it): with the fitted filters before any training, and of the exported file; NaN where
     * nobody measured. */
    double start_output_error, output_error;
    /* With this layer alone compressed as the row says, fitted and not trained, on some training
     * images; NaN where it was not measured: what the outputs' distributions differ by from the
     * baseline's (mean KL, nats), and accuracy lost, in points. */
    double alone_divergence, alone_top1_drop;
    double moved; /* layout learned: share of the filters that training put elsewhere; NaN: none */
};

struct fsn_plan {
    size_t layer_count;
    struct fsn_plan_layer *layers;
    /* What the rows' shares of the budget rest on: measurements, or equal ratios - which a job
     * whose spec asks for measured ones replaces when it runs, the size being the same. */
    bool measured;
    char *output;       /* the output whose scores are trained; NULL: none fits */
    size_t cut_count;   /* values inside the network that training ends in; 0: at its outputs */
    char **cut;         /* their names */
    int tail_nodes;     /* nodes that are kept as they are behind them */
    int restored_bn;    /* convolutions that are trained with batch norm put back */
    int64_t parameters; /* of the baseline, as the reference counts */
    int64_t compressed_parameters; /* the same count with Filter Summaries */
    int64_t effective_parameters;  /* a quantised FS counts numel * bits/32 + 2 */
    int64_t macs;                  /* multiply-adds of one image */
    int64_t baseline_bytes;        /* of the file the model came from; 0 when it has none */
    int64_t expected_bytes;        /* of model.onnx */
};

/* The dry plan: which layer gets which Filter Summary, without data. Reasons why it cannot be done
 * go to faults (all of them) and the status is the first one's. *out: fsn_plan_destroy. */
FSN_NODISCARD enum fsn_status fsn_plan_create(const struct fsn_model *model,
                                              const struct fsn_spec *spec, struct fsn_plan **out,
                                              struct fsn_faults *faults, struct fsn_error *err);
void fsn_plan_destroy(struct fsn_plan *plan);
FSN_NODISCARD enum fsn_status fsn_plan_json(const struct fsn_plan *plan, char **json,
                                            struct fsn_error *err);

/* The network as fine-tuning starts with it, without data: its convolutions read Filter Summaries
 * fitted to their weights. To be run and timed; what is saved of it is the compressed network
 * before any training. faults: as fsn_plan_create's. *out: new, fsn_model_destroy. */
FSN_NODISCARD enum fsn_status fsn_student_create(const struct fsn_model *model,
                                                 const struct fsn_spec *spec,
                                                 struct fsn_model **out, struct fsn_faults *faults,
                                                 struct fsn_error *err);

/* Whether the data set can train and judge the model under this spec: channels, size, classes,
 * splits, batch size, preprocess. Appends to faults; the count tells. */
void fsn_data_fits(const struct fsn_model *model, const struct fsn_dataset_info *data,
                   const struct fsn_spec *spec, struct fsn_faults *faults);
/* The part of it that looks at no model: settings that differ from their defaults and that a data
 * set of this kind has no use for. training: of finetune too. */
void fsn_unused_settings(const struct fsn_dataset_info *data, const struct fsn_spec *spec,
                         bool training, struct fsn_faults *faults);

/* ---- evaluation, compression, training ----------------------------------------------------- */

/* Cores that the process may use, by its affinity and its control group's quota; at least 1. */
int fsn_cores(void);

struct fsn_eval {
    double top1, top5; /* per cent */
    double loss;       /* mean cross-entropy */
    int64_t images;
    double seconds;
};
/* Of the spec, output, preprocess and threads are heeded. */
FSN_NODISCARD enum fsn_status fsn_evaluate(const struct fsn_model *model,
                                           const struct fsn_dataset *data, enum fsn_split split,
                                           const struct fsn_spec *spec, fsn_progress_fn *progress,
                                           void *user, struct fsn_eval *out, struct fsn_error *err);

/* Average precision in per cent; NaN where no object counts. */
struct fsn_detection_class {
    int64_t objects, difficult; /* that count, and that do not: difficult ones, crowds */
    int64_t detections;
    double ap50;    /* Pascal VOC's, at an IoU above 0.5: area under the curve (2010 on) ... */
    double ap07;    /* ... and the mean at 11 recalls (2007) */
    double coco_ap; /* COCO's: mean over IoUs of 0.5, 0.55 .. 0.95 */
    double coco_ap50, coco_ap75; /* at 0.5 and at 0.75 */
};
/* Means over the classes that have objects that count, and sums over all classes. */
struct fsn_detection_eval {
    double map50, map07;
    double coco_ap, coco_ap50, coco_ap75;
    int class_count;
    struct fsn_detection_class *classes; /* [class_count] in the data set's order */
    int64_t images, objects, difficult, detections;
    double seconds;
};
/* How well a detector finds the objects of a split, in images brought to its input without keeping
 * their aspect. Of the spec, detection, preprocess (mean, std, scale) and threads are heeded.
 * Errors: MISMATCH (no boxes, other classes, no detector's outputs, other default boxes), INVALID
 * (no such output), CANCELLED, those of files and memory. *out: fsn_detection_eval_clear. */
FSN_NODISCARD enum fsn_status
fsn_evaluate_detector(const struct fsn_model *model, const struct fsn_dataset *data,
                      enum fsn_split split, const struct fsn_spec *spec, fsn_progress_fn *progress,
                      void *user, struct fsn_detection_eval *out, struct fsn_error *err);
void fsn_detection_eval_clear(struct fsn_detection_eval *eval);

/* Of a class, over the pixels whose mask has one. */
struct fsn_segmentation_class {
    int64_t pixels;    /* that are of it */
    int64_t predicted; /* that the network takes for it */
    double iou;        /* those that are both over those that are either, per cent; NaN: there are
                          none */
};
struct fsn_segmentation_eval {
    double miou;           /* mean over the classes that have an IoU, per cent; NaN: none has */
    double pixel_accuracy; /* per cent of the pixels that have a class; NaN: none has */
    int class_count;       /* of the network: those of the data set, and perhaps more */
    struct fsn_segmentation_class *classes; /* [class_count] */
    int64_t images, pixels, none;           /* none: pixels without a class, which do not count */
    double seconds;
};
/* How well a network tells the class of every pixel in a split of a segmentation set, in images
 * brought to its input without keeping their aspect and masks resized likewise to the nearest
 * pixel. A pixel's class is that of its largest score in the spec's output, or in the only one of
 * shape [N,classes,h,w], brought to the input's size bilinearly where it is of another. Of the
 * spec, output, preprocess (mean, std, scale) and threads are heeded. Errors: MISMATCH (no masks,
 * no such output), INVALID (none of this name), CANCELLED, those of files and memory. *out:
 * fsn_segmentation_eval_clear. */
FSN_NODISCARD enum fsn_status
fsn_evaluate_segmenter(const struct fsn_model *model, const struct fsn_dataset *data,
                       enum fsn_split split, const struct fsn_spec *spec, fsn_progress_fn *progress,
                       void *user, struct fsn_segmentation_eval *out, struct fsn_error *err);
void fsn_segmentation_eval_clear(struct fsn_segmentation_eval *eval);

/* A network made ready to classify single images or to find the objects in them, one call after the
 * other. It runs on the caller's thread alone and takes no core from jobs. */
struct fsn_predictor;

/* Of the spec, output and what says where a detector's outputs and default boxes are is heeded, and
 * task: with auto a network finds objects if its outputs, or values inside where none classifies,
 * have the shapes of a detector's. model is borrowed: it must outlive the predictor. Errors:
 * MISMATCH (neither a classifier nor a detector of images; default boxes), INVALID (no such
 * output), NOMEM. *out: new, fsn_predictor_destroy. */
FSN_NODISCARD enum fsn_status fsn_predictor_create(const struct fsn_model *model,
                                                   const struct fsn_spec *spec,
                                                   struct fsn_predictor **out,
                                                   struct fsn_error *err);
void fsn_predictor_destroy(struct fsn_predictor *predictor);

struct fsn_predictor_info {
    int channels, height, width; /* of the images that the network takes */
    int64_t classes;             /* of objects: without the background */
    bool detects;                /* fsn_predict_objects, else fsn_predict */
    bool sigmoid;        /* probabilities of each class alone (the file ends in a Sigmoid), else of
                            all together (softmax) */
    size_t memory_bytes; /* that the predictor and the model hold, about */
};
void fsn_predictor_info(const struct fsn_predictor *predictor, struct fsn_predictor_info *out);

/* A JPEG or PNG file in memory, or (bytes NULL) an image of a data set. */
struct fsn_image {
    const char *name; /* for messages */
    const void *bytes;
    size_t size;
    const struct fsn_dataset *data;
    enum fsn_split split;
    int64_t index; /* in the split */
};

#define FSN_MAX_CHOICES 100
struct fsn_choice {
    int64_t class_index;
    double probability; /* 0..1 */
    double logit;
};
struct fsn_prediction {
    int resized_width, resized_height; /* what the network's input was cut out of; of images that a
                                          data set has as pixels, their own size */
    int label;                         /* of an image of a data set, else -1 */
    int count;                         /* min(most, classes) */
    struct fsn_choice choice[FSN_MAX_CHOICES]; /* the largest first; equal ones by class */
};

/* Classifies one image, prepared as fsn_evaluate prepares those of a data set. most: choices that
 * are wanted, 1..FSN_MAX_CHOICES. Errors: FORMAT, UNSUPPORTED, LIMIT (the file), MISMATCH
 * (preprocess, or the data set's images, do not fit the network; a detector), INVALID (most,
 * index), UNSUPPORTED too where the network's scores are no numbers, NOMEM. */
FSN_NODISCARD enum fsn_status fsn_predict(struct fsn_predictor *predictor,
                                          const struct fsn_preprocess *preprocess,
                                          const struct fsn_image *image, int most,
                                          struct fsn_prediction *out, struct fsn_error *err);

struct fsn_found_object {
    int64_t class_index;
    double score;  /* 0..1 */
    double box[4]; /* left, top, right, bottom, in pixels of the image; within it */
};
struct fsn_found_objects {
    int width, height; /* of the image */
    int64_t count;
    struct fsn_found_object *object; /* [count], best first */
};

/* Finds the objects in one image, prepared and judged as fsn_evaluate_detector does: of the spec,
 * preprocess (mean, std, scale) and detection's score, iou, candidates and keep are heeded. Errors:
 * as fsn_predict; MISMATCH also where the network classifies. *out: fsn_found_objects_clear. */
FSN_NODISCARD enum fsn_status fsn_predict_objects(struct fsn_predictor *predictor,
                                                  const struct fsn_spec *spec,
                                                  const struct fsn_image *image,
                                                  struct fsn_found_objects *out,
                                                  struct fsn_error *err);
void fsn_found_objects_clear(struct fsn_found_objects *found);

/* One job: baseline evaluation, plan, fit, fine-tune with distillation, quantise, export, load the
 * exported file back, evaluate it, report. Writes model.onnx, model-dense.onnx, model-int8.onnx if
 * the spec asks for it, report.json, report.html and training.csv into out_dir (made if missing).
 * With checkpoint_dir (may be NULL) an interrupted job continues from its last finished epoch and
 * ends with the same bytes.
 *
 * With budget.max_accuracy_drop or a sweep it makes several files; the one that is chosen becomes
 * model.onnx, and those of a sweep stay as candidate-1.onnx and so on, too. The outcome of a search
 * depends on the clock where time ends it (budget.search_seconds). */
struct fsn_job {
    const char *model_path;
    const char *data_path;
    const char *data_format; /* NULL: by content */
    const char *out_dir;
    const char *checkpoint_dir;
    fsn_progress_fn *progress; /* may be NULL */
    void *user;
};
FSN_NODISCARD enum fsn_status fsn_compress(const struct fsn_job *job, const struct fsn_spec *spec,
                                           struct fsn_error *err);

/* A report.json as one page for people: tables and plots, complete in itself (no script, nothing
 * from elsewhere), well-formed as XML too. Depends on the text alone; what is missing there, or not
 * of its kind, is left out. *html: new, freed by free(). Errors: FORMAT (not JSON, no object),
 * NOMEM. */
FSN_NODISCARD enum fsn_status fsn_report_html(const char *json, size_t size, char **html,
                                              struct fsn_error *err);

/* Trains a model on the train split (spec.finetune without distillation), from scratch or on: a
 * classifier, a detector where the data set has boxes (as fsn_evaluate_detector takes it), or a
 * network that segments where it has masks (as fsn_evaluate_segmenter does). */
FSN_NODISCARD enum fsn_status fsn_train(struct fsn_model *model, const struct fsn_dataset *data,
                                        const struct fsn_spec *spec, const char *checkpoint_path,
                                        fsn_progress_fn *progress, void *user,
                                        struct fsn_error *err);

/* What bench_model times: whole steps on random images, on a copy of the model. */
struct fsn_bench_options {
    bool training; /* forward, cross-entropy, backward, SGD; else forward passes alone */
    int batch;     /* yields to a batch axis that the model itself fixes, unless training */
    int threads;   /* as in a spec */
    int steps;
    enum fsn_precision precision; /* of training */
    /* Of training, may be NULL: its forward pass and the distillation loss are part of a step. */
    const struct fsn_model *teacher;
};

#define FSN_BENCH_PHASE_LIST(X) \
    X(TEACHER, "teacher")       \
    X(FORWARD, "forward")       \
    X(LOSS, "loss")             \
    X(BACKWARD, "backward")     \
    X(OPTIMIZER, "optimizer")

enum fsn_bench_phase {
#define FSN__ENUM(code, name) FSN_BENCH_##code,
    FSN_BENCH_PHASE_LIST(FSN__ENUM)
#undef FSN__ENUM
        FSN_BENCH_PHASE_COUNT
};

const char *fsn_bench_phase_name(enum fsn_bench_phase phase);

/* All nodes of one operator, in one step of the model (not the teacher). */
struct fsn_bench_operator {
    const char *name; /* static */
    int nodes;
    double forward_ms, backward_ms;
};

#define FSN_BENCH_MAX_OPERATORS 128

struct fsn_bench {
    int steps;
    double images_per_second_median;
    double images_per_second_p10; /* of the fastest tenth of the steps */
    double ms_median;
    int64_t memory_bytes;       /* planned: values, gradients, weights, optimiser state, scratch */
    int64_t memory_bound_bytes; /* the least that a plan of each network needs: the most values and
                                 * gradients alive at once, weights, optimiser state */
    int batch, threads;         /* as run */
    double ms_p10;
    double cpu_ms_p10; /* CPU time of a step, all threads, in the cheapest tenth of the steps */
    double gflops;     /* 2 FLOP a multiply-add, 3 forwards a training step, over the median */
    /* The fastest step, which other work on the machine has disturbed least, taken apart. */
    double fastest_ms;
    double phase_ms[FSN_BENCH_PHASE_COUNT]; /* add up to fastest_ms, but for reading the clock */
    int operator_count;
    struct fsn_bench_operator operators[FSN_BENCH_MAX_OPERATORS]; /* in the order of first use */
};
FSN_NODISCARD enum fsn_status fsn_bench_model(const struct fsn_model *model,
                                              const struct fsn_bench_options *options,
                                              struct fsn_bench *out, struct fsn_error *err);

#ifdef __cplusplus
}
#endif

#endif
