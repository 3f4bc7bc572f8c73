/* cli.h - what the subcommands of fsnet share. They see the engine through fsnet.h alone. */
#ifndef FSNET_CLI_H
#define FSNET_CLI_H

#include "fsnet.h"

#include <jansson.h>
#include <stdio.h>

enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 }; /* exit codes */

/* ---- options ------------------------------------------------------------------------------- */

enum cli_kind {
    CLI_FLAG,   /* takes no value */
    CLI_TEXT,   /* a path, a name */
    CLI_CHOICE, /* one of choices, "a|b" */
    CLI_INT,    /* whole, min..max */
    CLI_NUMBER, /* min..max */
    CLI_LABEL,  /* KEY=VALUE that is set, or KEY that is taken away; any number of them */
    CLI_SPEC    /* a setting of the job spec: checked, and explained, by its row there */
};

/* X(id, name, letter, value, kind, min, max, fallback, choices or pointer, help)
 * value: how --help writes it; fallback: the default, as text (NULL: none, or said in the help). */
#define CLI_OPTION_LIST(X)                                                                         \
    X(HELP, "help", 'h', NULL, FLAG, 0, 0, NULL, NULL, "print this and exit")                      \
    X(JSON, "json", 0, NULL, FLAG, 0, 0, NULL, NULL, "print the result as JSON")                   \
    X(DATA, "data", 0, "PATH", TEXT, 0, 0, NULL, NULL, "data set: an archive or a folder")         \
    X(FORMAT, "format", 0, "NAME", CHOICE, 0, 0, NULL,                                             \
      "cifar10|cifar100|idx|npz|voc|coco|masks|imagefolder|images",                                \
      "format of the data set (default: by its content)")                                          \
    X(SPLIT, "split", 0, "NAME", CHOICE, 0, 0, "test", "train|test", "images to evaluate on")      \
    X(TASK, "task", 0, "NAME", CHOICE, 0, 0, "auto", "auto|classify|detect|segment",               \
      "what the model does; auto: what the data set shows, boxes, masks or else classes of "       \
      "images")                                                                                    \
    X(SPEC, "spec", 0, "FILE", TEXT, 0, 0, NULL, NULL,                                             \
      "job spec as the service takes it; options given here go over it")                           \
    X(OUT_FOLDER, "out", 'o', "DIR", TEXT, 0, 0, NULL, NULL, "folder for the results")             \
    X(OUT_MODEL, "out", 'o', "FILE", TEXT, 0, 0, NULL, NULL, "ONNX file to write")                 \
    X(DETECTION, "detection", 0, NULL, FLAG, 0, 0, NULL, NULL,                                     \
      "pictures of several shapes with their boxes, a Pascal VOC set")                             \
    X(MASKS, "masks", 0, NULL, FLAG, 0, 0, NULL, NULL,                                             \
      "pictures of several shapes with the class of every pixel")                                  \
    X(OUT_DATA, "out", 'o', "FILE", TEXT, 0, 0, NULL, NULL, "archive to write (.tar.gz)")          \
    X(CHECKPOINT_FOLDER, "checkpoint", 0, "DIR", TEXT, 0, 0, NULL, NULL,                           \
      "keep a checkpoint here after every epoch, and continue from it")                            \
    X(CHECKPOINT_FILE, "checkpoint", 0, "FILE", TEXT, 0, 0, NULL, NULL,                            \
      "keep a checkpoint here after every epoch, and continue from it")                            \
    X(NAMES_OF, "data", 0, "PATH", TEXT, 0, 0, NULL, NULL, "data set whose class names are shown") \
    X(TOP, "top", 0, "K", INT, 1, FSN_MAX_CHOICES, "5", NULL, "classes to show of each image")     \
    X(TEST_DATA, "test-data", 0, "DIR", TEXT, 0, 0, NULL, NULL,                                    \
      "folder of test_data_set_N, or one of them")                                                 \
    X(RTOL, "rtol", 0, "X", NUMBER, 0, 1e9, "1e-3", NULL,                                          \
      "error allowed per unit of the expected")                                                    \
    X(ATOL, "atol", 0, "X", NUMBER, 0, 1e9, "1e-4", NULL, "error allowed besides")                 \
    X(CLASSES, "classes", 0, "N", INT, 1, 100000, NULL, NULL,                                      \
      "classes to tell apart (default: the architecture's)")                                       \
    X(INPUT_SIZE, "input-size", 0, "N", INT, 8, 4096, NULL, NULL,                                  \
      "height and width of the input (default: the architecture's)")                               \
    X(INPUT_CHANNELS, "input-channels", 0, "N", INT, 1, 4, NULL, NULL, "channels (default: 3)")    \
    X(GROWTH, "growth", 0, "N", INT, 1, 256, NULL, NULL, "a DenseNet's k (default: 12)")           \
    X(WIDTH, "width", 0, "N", INT, 1, 512, NULL, NULL,                                             \
      "a U-Net's channels at the image's size (default: 16)")                                      \
    X(KERNELS, "kernels", 0, NULL, FLAG, 0, 0, NULL, NULL,                                         \
      "show how the layers would run: algorithms, what is fused, scratch")                         \
    X(MODE, "mode", 0, "NAME", CHOICE, 0, 0, "training", "training|inference",                     \
      "what --kernels is about")                                                                   \
    X(STEPS, "steps", 0, "N", INT, 1, 1000000, "20", NULL, "steps to time")                        \
    X(TEACHER, "teacher", 0, "MODEL", TEXT, 0, 0, NULL, NULL,                                      \
      "train with this network as the teacher")                                                    \
    X(TRAIN, "train", 0, "N", INT, 1, 1000000, "2000", NULL, "training images")                    \
    X(TEST, "test", 0, "N", INT, 1, 1000000, "500", NULL, "test images")                           \
    X(SERVER, "server", 0, "URL", TEXT, 0, 0, NULL, NULL,                                          \
      "the service (default: FSNET_SERVER, or where one is logged in)")                            \
    X(CACERT, "cacert", 0, "FILE", TEXT, 0, 0, NULL, NULL,                                         \
      "trust servers by the certificates in this file (PEM) alone")                                \
    X(TOKEN_FILE, "token-file", 0, "FILE", TEXT, 0, 0, NULL, NULL,                                 \
      "read the token from here (default: from standard input)")                                   \
    X(NAME, "name", 0, "TEXT", TEXT, 0, 0, NULL, NULL, "a name for people")                        \
    X(MODEL_ID, "model", 0, "ID", TEXT, 0, 0, NULL, NULL, "model that the service has")            \
    X(DATA_ID, "data", 0, "ID", TEXT, 0, 0, NULL, NULL, "data set that the service has")           \
    X(DRY_RUN, "dry-run", 0, NULL, FLAG, 0, 0, NULL, NULL, "check and plan only, order nothing")   \
    X(WAIT, "wait", 0, NULL, FLAG, 0, 0, NULL, NULL, "watch the job to its end")                   \
    X(WAIT_FOR_SERVER, "wait-for-server", 0, "SECONDS", INT, 0, 86400, "600", NULL,                \
      "go on asking for so long when the server is gone")                                          \
    X(STATUS, "status", 0, "NAME", CHOICE, 0, 0, NULL,                                             \
      "queued|running|succeeded|failed|cancelled", "only jobs of this status")                     \
    X(LIMIT, "limit", 0, "N", INT, 1, 1000000, "20", NULL, "how many to show, the newest first")   \
    X(NAMES_OF_ID, "data", 0, "ID", TEXT, 0, 0, NULL, NULL,                                        \
      "data set that the service has, whose class names are shown")                                \
    X(OF_FILE, "file", 0, "NAME", TEXT, 0, 0, NULL, NULL,                                          \
      "the one of a job's files that predicts (default: model.onnx)")                              \
    X(LABEL, "label", 0, "KEY=VALUE", LABEL, 0, 0, NULL, NULL,                                     \
      "a label, by which lists are filtered; give it once for each")                               \
    X(REMOVE_LABEL, "remove-label", 0, "KEY", LABEL, 0, 0, NULL, NULL,                             \
      "take this label away; give it once for each")                                               \
    X(PRIORITY, "priority", 0, "N", INT, -100, 100, NULL, NULL,                                    \
      "of the jobs that wait, the oldest of the highest priority goes first")                      \
    X(MAX_RUN_SECONDS, "max-run-seconds", 0, "N", INT, 0, 31622400, NULL, NULL,                    \
      "the job fails when it has run longer, all attempts together; 0: no bound")                  \
    X(KEEP_JOB, "keep", 0, "WHEN", CHOICE, 0, 0, NULL, "on|off",                                   \
      "whether job and files stay whatever their age")                                             \
    X(OF_NAME, "name", 0, "TEXT", TEXT, 0, 0, NULL, NULL, "only those of this name")               \
    X(OF_LABEL, "label", 0, "KEY[=VALUE]", TEXT, 0, 0, NULL, NULL, "only jobs with this label")    \
    X(JOB_FOLDER, "out", 'o', "DIR", TEXT, 0, 0, NULL, NULL,                                       \
      "folder for the files (default: one named by the job's id)")                                 \
    X(ONLY, "only", 0, "NAME", TEXT, 0, 0, NULL, NULL, "this file alone (model.onnx, ...)")        \
    X(LAYOUT, "layout", 0, "NAME", SPEC, 0, 0, NULL, "/filter_summary/layout", NULL)               \
    X(RATIO, "ratio", 0, "X", SPEC, 0, 0, NULL, "/filter_summary/ratio", NULL)                     \
    X(RATIO_1X1, "ratio-1x1", 0, "X", SPEC, 0, 0, NULL, "/filter_summary/ratio_1x1", NULL)         \
    X(LOCATION_LR, "location-lr", 0, "X", SPEC, 0, 0, NULL, "/finetune/location_lr", NULL)         \
    X(ROUNDING, "rounding", 0, "X", SPEC, 0, 0, NULL, "/finetune/rounding", NULL)                  \
    X(SPACING, "spacing", 0, "NAME", SPEC, 0, 0, NULL, "/filter_summary/spacing", NULL)            \
    X(START, "start", 0, "NAME", SPEC, 0, 0, NULL, "/filter_summary/start", NULL)                  \
    X(EXCLUDE, "exclude", 0, "NODE", SPEC, 0, 0, NULL, "/filter_summary/exclude", NULL)            \
    X(SIZE_BYTES, "size-bytes", 0, "N", SPEC, 0, 0, NULL, "/budget/size_bytes", NULL)              \
    X(PARAMETERS, "parameters", 0, "N", SPEC, 0, 0, NULL, "/budget/parameters", NULL)              \
    X(MAX_ACCURACY_DROP, "max-accuracy-drop", 0, "X", SPEC, 0, 0, NULL,                            \
      "/budget/max_accuracy_drop", NULL)                                                           \
    X(SEARCH_SECONDS, "search-seconds", 0, "N", SPEC, 0, 0, NULL, "/budget/search_seconds", NULL)  \
    X(SEARCH_CANDIDATES, "search-candidates", 0, "N", SPEC, 0, 0, NULL,                            \
      "/budget/search_candidates", NULL)                                                           \
    X(DISTRIBUTION, "distribution", 0, "NAME", SPEC, 0, 0, NULL, "/budget/distribution", NULL)     \
    X(SWEEP_SIZE_BYTES, "sweep-size-bytes", 0, "N,N,..", SPEC, 0, 0, NULL, "/sweep/size_bytes",    \
      NULL)                                                                                        \
    X(SWEEP_RATIO, "sweep-ratio", 0, "X,X,..", SPEC, 0, 0, NULL, "/sweep/ratio", NULL)             \
    X(SWEEP_BITS, "sweep-bits", 0, "N,N,..", SPEC, 0, 0, NULL, "/sweep/bits", NULL)                \
    X(BITS, "bits", 0, "N", SPEC, 0, 0, NULL, "/quantize/bits", NULL)                              \
    X(LEAST_BITS, "least-bits", 0, "N", SPEC, 0, 0, NULL, "/quantize/least_bits", NULL)            \
    X(REST_BITS, "rest-bits", 0, "N", SPEC, 0, 0, NULL, "/quantize/rest_bits", NULL)               \
    X(GRANULARITY, "granularity", 0, "NAME", SPEC, 0, 0, NULL, "/quantize/granularity", NULL)      \
    X(RANGE, "range", 0, "NAME", SPEC, 0, 0, NULL, "/quantize/range", NULL)                        \
    X(AWARE, "aware", 0, "NAME", SPEC, 0, 0, NULL, "/quantize/aware", NULL)                        \
    X(AWARE_SHARE, "aware-share", 0, "X", SPEC, 0, 0, NULL, "/quantize/aware_share", NULL)         \
    X(STEP, "step", 0, "NAME", SPEC, 0, 0, NULL, "/quantize/step", NULL)                           \
    X(EPOCHS, "epochs", 0, "N", SPEC, 0, 0, NULL, "/finetune/epochs", NULL)                        \
    X(BATCH, "batch", 0, "N", SPEC, 0, 0, NULL, "/finetune/batch_size", NULL)                      \
    X(SHARING, "sharing", 0, "X", SPEC, 0, 0, NULL, "/finetune/sharing", NULL)                     \
    X(LR, "lr", 0, "X", SPEC, 0, 0, NULL, "/finetune/lr", NULL)                                    \
    X(MOMENTUM, "momentum", 0, "X", SPEC, 0, 0, NULL, "/finetune/momentum", NULL)                  \
    X(WEIGHT_DECAY, "weight-decay", 0, "X", SPEC, 0, 0, NULL, "/finetune/weight_decay", NULL)      \
    X(WEIGHT_DECAY_BN, "weight-decay-bn", 0, "X", SPEC, 0, 0, NULL, "/finetune/weight_decay_bn",   \
      NULL)                                                                                        \
    X(CLIP_NORM, "clip-norm", 0, "X", SPEC, 0, 0, NULL, "/finetune/clip_norm", NULL)               \
    X(EMA, "ema", 0, "X", SPEC, 0, 0, NULL, "/finetune/ema", NULL)                                 \
    X(LABEL_SMOOTHING, "label-smoothing", 0, "X", SPEC, 0, 0, NULL, "/finetune/label_smoothing",   \
      NULL)                                                                                        \
    X(MIXUP, "mixup", 0, "X", SPEC, 0, 0, NULL, "/finetune/mixup", NULL)                           \
    X(PRECISION, "precision", 0, "NAME", SPEC, 0, 0, NULL, "/finetune/precision", NULL)            \
    X(SCHEDULE, "schedule", 0, "NAME", SPEC, 0, 0, NULL, "/finetune/schedule", NULL)               \
    X(WARMUP_STEPS, "warmup-steps", 0, "N", SPEC, 0, 0, NULL, "/finetune/warmup_steps", NULL)      \
    X(MILESTONES, "milestones", 0, "X,X,..", SPEC, 0, 0, NULL, "/finetune/milestones", NULL)       \
    X(GAMMA, "gamma", 0, "X", SPEC, 0, 0, NULL, "/finetune/gamma", NULL)                           \
    X(ALPHA, "alpha", 0, "X", SPEC, 0, 0, NULL, "/finetune/distill/alpha", NULL)                   \
    X(TEMPERATURE, "temperature", 0, "X", SPEC, 0, 0, NULL, "/finetune/distill/temperature", NULL) \
    X(FEATURE, "feature", 0, "X", SPEC, 0, 0, NULL, "/finetune/distill/feature", NULL)             \
    X(AUGMENT, "augment", 0, "NAME,..", SPEC, 0, 0, NULL, "/finetune/augment", NULL)               \
    X(CROP_PADDING, "crop-padding", 0, "N", SPEC, 0, 0, NULL, "/finetune/crop_padding", NULL)      \
    X(CUTOUT_SIZE, "cutout-size", 0, "N", SPEC, 0, 0, NULL, "/finetune/cutout_size", NULL)         \
    X(HOLDOUT, "holdout", 0, "X", SPEC, 0, 0, NULL, "/finetune/holdout", NULL)                     \
    X(PATIENCE, "patience", 0, "N", SPEC, 0, 0, NULL, "/finetune/patience", NULL)                  \
    X(RECALIBRATE_BN, "recalibrate-bn", 0, "N", SPEC, 0, 0, NULL, "/finetune/recalibrate_bn",      \
      NULL)                                                                                        \
    X(RESTORE_BN, "restore-bn", 0, "NAME", SPEC, 0, 0, NULL, "/finetune/restore_bn", NULL)         \
    X(INT8, "int8", 0, "NAME", SPEC, 0, 0, NULL, "/files/int8", NULL)                              \
    X(DETECTIONS, "detections", 0, "NAME", SPEC, 0, 0, NULL, "/files/detections", NULL)            \
    X(RESIZE, "resize", 0, "N", SPEC, 0, 0, NULL, "/preprocess/resize", NULL)                      \
    X(CROP, "crop", 0, "NAME", SPEC, 0, 0, NULL, "/preprocess/crop", NULL)                         \
    X(MEAN, "mean", 0, "R,G,B", SPEC, 0, 0, NULL, "/preprocess/mean", NULL)                        \
    X(STD, "std", 0, "R,G,B", SPEC, 0, 0, NULL, "/preprocess/std", NULL)                           \
    X(SCALE, "scale", 0, "NAME", SPEC, 0, 0, NULL, "/preprocess/scale", NULL)                      \
    X(JOB_TASK, "task", 0, "NAME", SPEC, 0, 0, NULL, "/task", NULL)                                \
    X(DISTILL_OUTPUTS, "distill-outputs", 0, "LIST", SPEC, 0, 0, NULL, "/distill_outputs", NULL)   \
    X(OUTPUT, "output", 0, "NAME", SPEC, 0, 0, NULL, "/output", NULL)                              \
    X(LOCATIONS, "locations", 0, "NAME", SPEC, 0, 0, NULL, "/detection/locations", NULL)           \
    X(CONFIDENCES, "confidences", 0, "NAME", SPEC, 0, 0, NULL, "/detection/confidences", NULL)     \
    X(DEFAULT_BOXES, "default-boxes", 0, "RULE", SPEC, 0, 0, NULL, "/detection/default_boxes",     \
      NULL)                                                                                        \
    X(SCORE, "score", 0, "X", SPEC, 0, 0, NULL, "/detection/score", NULL)                          \
    X(IOU, "iou", 0, "X", SPEC, 0, 0, NULL, "/detection/iou", NULL)                                \
    X(CANDIDATES, "candidates", 0, "N", SPEC, 0, 0, NULL, "/detection/candidates", NULL)           \
    X(KEEP, "keep", 0, "N", SPEC, 0, 0, NULL, "/detection/keep", NULL)                             \
    X(SEED, "seed", 0, "N", SPEC, 0, 0, NULL, "/seed", NULL)                                       \
    X(THREADS, "threads", 0, "N", SPEC, 0, 0, NULL, "/threads", NULL)

enum cli_option_id {
#define CLI__ENUM(id, name, letter, value, kind, min, max, fallback, more, help) CLI_OPT_##id,
    CLI_OPTION_LIST(CLI__ENUM)
#undef CLI__ENUM
        CLI_OPTION_COUNT
};

struct cli_option {
    const char *name;
    char letter;
    const char *value;
    enum cli_kind kind;
    double min, max;
    const char *fallback;
    const char *more; /* choices, or the pointer into the spec */
    const char *help;
};
extern const struct cli_option cli_options[CLI_OPTION_COUNT];

/* ---- commands ------------------------------------------------------------------------------ */

#define CLI_MAX_OPERANDS 2
#define CLI_MAX_OPTIONS 64

struct cli_args;
struct cli_command {
    const char *name;
    const char *summary;  /* one line */
    const char *operands; /* "MODEL", or "" */
    int operand_count;
    bool more_operands;             /* at least one beside them, and as many as there are */
    enum cli_option_id required[4]; /* up to the first CLI_OPT_HELP (0) */
    enum cli_option_id options[CLI_MAX_OPTIONS]; /* up to the first CLI_OPT_HELP */
    bool all_settings; /* and every setting of the job spec, in the order of the option list */
    bool orders;       /* its settings are for a service: kept as JSON, not judged here */
    const struct cli_command *const
        *parts;              /* of a group: its commands, named with its own name
                              * before theirs, up to NULL; it takes no options then */
    void (*more_help)(void); /* prints after the options, or NULL */
    int (*run)(const struct cli_args *args);
};

extern const struct cli_command cli_inspect, cli_check, cli_eval, cli_compress, cli_train, cli_new,
    cli_plan, cli_bench, cli_draw, cli_data, cli_predict, cli_remote;
/* Of commands up to NULL, the one of this (last) word; NULL: none. */
const struct cli_command *cli_find_command(const struct cli_command *const *commands,
                                           const char *word);
/* The last word of its name, by which it is called. */
const char *cli_command_word(const struct cli_command *command);
/* A line for each, with its summary. */
void cli_print_commands(FILE *out, const struct cli_command *const *commands);

/* A parsed command line. */
struct cli_args {
    const struct cli_command *command;
    const char *operand[CLI_MAX_OPERANDS];
    char **more; /* [more_count], of a command with more_operands */
    int more_count;
    const char *text[CLI_OPTION_COUNT]; /* as given, or the fallback, or NULL */
    double number[CLI_OPTION_COUNT]; /* of INT and NUMBER, 0 without a fallback; 1: a FLAG given */
    bool help, json, kernels;
    struct fsn_spec spec; /* defaults, --spec, options, in this order */
    json_t *order;        /* of a command that orders, instead: the object of --spec and options */
    json_t *labels;       /* object of what --label sets, null of what --remove-label takes away;
                           * NULL: neither is given */
};

/* Parses argv[0..argc), which begins after the command's name. Prints what is wrong and returns an
 * exit code; on CLI_OK, cli_args_clear frees. */
int cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_args *args);
void cli_args_clear(struct cli_args *args);
void cli_print_help(const struct cli_command *command);
/* The command's option number i; CLI_OPT_HELP, which every command has, is past its last one. */
enum cli_option_id cli_option_at(const struct cli_command *command, int i);
/* The words that it takes, "a|b"; NULL: it is no choice of words. */
const char *cli_option_choices(const struct cli_option *option);
/* fsnet complete [--] WORD...: for a shell, what the last word may become, a line each; nothing
 * where it may be any file or number. The words are those behind "fsnet"; the last is begun, or
 * empty. */
int cli_complete(const struct cli_command *const *commands, int argc, char **argv);
/* The spec from the file of --spec (or NULL) with `given` (pointer: text) set over it. */
struct cli_setting {
    const struct cli_option *option;
    const char *text;
};
int cli_build_spec(const struct cli_command *command, const char *path,
                   const struct cli_setting *given, size_t count, struct fsn_spec *spec);
/* The same as JSON, a new object in *order, which nobody has judged. */
int cli_build_order(const struct cli_command *command, const char *path,
                    const struct cli_setting *given, size_t count, json_t **order);
/* Notes what --label (text: KEY=VALUE) or --remove-label (away; KEY) says, in args->labels; the
 * last word of a key counts. False after saying what is wrong. */
bool cli_take_label(struct cli_args *args, bool away, const char *text);

/* ---- input and output ---------------------------------------------------------------------- */

/* "fsnet compress: message" on standard error. */
void cli_error(const struct cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* One fault of the spec, named by the file it stands in (spec_path) or by the option that sets it.
 */
void cli_fault(const struct cli_command *command, const char *spec_path,
               const struct fsn_fault *fault);
/* Prints the engine's error, or every fault when there are any; returns CLI_FAILURE. */
int cli_fail(const struct cli_command *command, const struct fsn_error *err,
             const struct fsn_faults *faults);
/* Opens the model or the data set at path; on failure they say why, with the path. */
bool cli_load_model(const struct cli_args *args, const char *path, struct fsn_model **out);
bool cli_open_data(const struct cli_args *args, const char *path, struct fsn_dataset **out);
/* Says on standard error what boxes of the data set were left out and that its test split was made,
 * where that is so. */
void cli_tell_left_out(const struct cli_command *command, const struct fsn_dataset_info *info);
/* Prints JSON (takes it; NULL: out of memory) and a newline; an exit code. */
int cli_print_json(const struct cli_command *command, json_t *value);
/* A number, or null when it is not finite. */
json_t *cli_json_number(double value);
/* 1234567 -> "1,234,567"; 1104254 bytes -> "1.10 MB". Into text, which is returned. */
const char *cli_grouped(int64_t value, char text[32]);
/* "61.25 %"; "-" of NaN: there was nothing to measure. */
const char *cli_percent(double value, char text[16]);
const char *cli_bytes(int64_t bytes, char text[32]);
/* Columns of names: at least so wide, else as the widest name is; the limit is names that are no
 * table's. */
enum { CLI_NAME_WIDTH = 32, CLI_NAME_WIDTH_MAX = 100 };
size_t cli_wider(size_t width, const char *name);

/* "[N,3,32,32]" of a shape in JSON. */
#define CLI_TEXT_OF_SHAPE 128
void cli_shape_text(const json_t *shape, char text[CLI_TEXT_OF_SHAPE]);
#define CLI_GROUPED(value) cli_grouped((value), (char[32]){0})
#define CLI_PERCENT(value) cli_percent((value), (char[16]){0})
#define CLI_BYTES(value) cli_bytes((value), (char[32]){0})

/* A job's report.json in short: both networks, what a search tried, what to exclude, warnings. */
void cli_print_report(const json_t *report);
/* What a network takes the image for, or finds in it: an array of classes with their probabilities,
 * or of objects with scores and boxes. */
void cli_print_choices(const char *path, const json_t *choices);
void cli_print_objects(const char *path, const json_t *objects);
/* The path as JSON; null where it is no UTF-8, as names of files may be. */
json_t *cli_path_json(const char *path);
/* The table of fsnet inspect --kernels, from what fsn_model_kernels_json gives. */
void cli_print_kernels(const json_t *kernels);

/* ---- progress ------------------------------------------------------------------------------ */

/* A bar on a terminal, a line per stage and epoch elsewhere, all on standard error. From
 * cli_progress_begin on, the first Ctrl-C (or SIGTERM) cancels through the callback's answer and
 * the second one kills. */
struct cli_progress {
    bool terminal;
    bool drawn;                     /* a bar stands on the current line */
    int stage;                      /* of the last call, -1: none yet */
    double drawn_at;                /* seconds */
    int candidate, candidates_done; /* of a search: in hand, and told of */
};
void cli_progress_begin(struct cli_progress *progress);
bool cli_progress_step(const struct fsn_progress *now, void *user); /* user: struct cli_progress */
/* Takes the bar away, so that a line can be printed; the next step draws it again. */
void cli_progress_end(struct cli_progress *progress);
/* Whether Ctrl-C (or SIGTERM) has come since cli_progress_begin. */
bool cli_stop_asked(void);
/* "[####....]  50 %" on standard error. */
void cli_draw_bar(double fraction);
double cli_now_seconds(void); /* of a clock that never goes back */

#endif
