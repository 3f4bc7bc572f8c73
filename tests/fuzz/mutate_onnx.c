/* mutate_onnx.c - libFuzzer's custom mutator for ONNX files: the file stays a message, and one to
 * four of its fields change.
 *
 * Random bytes rarely get past protobuf's lengths. Here a file is unpacked, fields are drawn evenly
 * among all that it has, found through protobuf-c's descriptors and so without a word about ONNX,
 * and it is packed again:
 *
 *   number       a bound of its type, a small number, one more or less, a flipped bit
 *   text         what another text field holds: names, operators and domains meet anew
 *   bytes        libFuzzer's own mutation
 *   sub-message  left out, or given in another's place
 *   list         an element left out or given twice, two exchanged
 *
 * What is no message, and one file in four, is mutated as bytes.
 */
#include "onnx.pb-c.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { MAX_FIELDS = 4096, MAX_CHANGES = 4, MAX_BYTES = 4096 };

/* A field: where its value (or list) stands. */
struct place {
    const ProtobufCFieldDescriptor *field;
    void *value;
    size_t *count;           /* of a list, else NULL */
    protobuf_c_boolean *has; /* of a number or bytes outside lists, else NULL */
};

struct walk {
    struct place place[MAX_FIELDS];
    size_t count;
    uint64_t state; /* of the random numbers */
};

/* SplitMix64. */
static uint64_t draw(struct walk *walk)
{
    uint64_t z = walk->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(struct walk *walk, size_t n)
{
    return (size_t)(draw(walk) % n);
}

/* ---- finding fields ------------------------------------------------------------------------- */

static void collect(struct walk *walk, ProtobufCMessage *message);

static void collect_field(struct walk *walk, ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *field)
{
    const bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    char *base = (char *)message;
    void *quantifier = base + field->quantifier_offset;
    struct place place = {.field = field, .value = base + field->offset};

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        place.count = quantifier;
    else if (!is_oneof && field->quantifier_offset > 0)
        place.has = quantifier;
    if (walk->count < MAX_FIELDS)
        walk->place[walk->count++] = place;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    if (!place.count)
        collect(walk, *(ProtobufCMessage **)place.value);
    for (size_t i = 0; place.count && i < *place.count; i++)
        collect(walk, (*(ProtobufCMessage ***)place.value)[i]);
}

/* Of a oneof, the field that is there. */
static void collect(struct walk *walk, ProtobufCMessage *message)
{
    if (!message)
        return;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const bool in_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        const char *which = (const char *)message + field->quantifier_offset;

        if (in_oneof && *(const uint32_t *)(const void *)which != field->id)
            continue;
        collect_field(walk, message, field);
    }
}

/* Another field of the same kind, perhaps itself. */
static const struct place *like(struct walk *walk, const struct place *place)
{
    for (int tries = 0; tries < 64; tries++) {
        const struct place *other = &walk->place[below(walk, walk->count)];

        if (other->field->type == place->field->type &&
            other->field->descriptor == place->field->descriptor &&
            (!other->count || *other->count > 0))
            return other;
    }
    return place;
}

/* ---- changing one value --------------------------------------------------------------------- */

static uint64_t change_number(struct walk *walk, uint64_t old)
{
    static const int64_t bounds[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX,  INT64_MAX - 1,
                                     INT32_MIN, INT32_MAX,     UINT32_MAX, -1,
                                     0,         65536,         1 << 30,    1000};

    switch (below(walk, 5)) {
    case 0:
        return (uint64_t)bounds[below(walk, sizeof bounds / sizeof *bounds)];
    case 1:
        return old + 1;
    case 2:
        return old - 1;
    case 3:
        return old ^ UINT64_C(1) << below(walk, 64);
    default:
        return below(walk, 12);
    }
}

static char *copy_text(const char *text)
{
    return strdup(text ? text : "");
}

static bool duplicate_message(const ProtobufCMessage *from, ProtobufCMessage **to)
{
    const size_t size = protobuf_c_message_get_packed_size(from);
    uint8_t *bytes = malloc(size + 1);

    *to = NULL;
    if (bytes) {
        protobuf_c_message_pack(from, bytes);
        *to = protobuf_c_message_unpack(from->descriptor, NULL, size, bytes);
    }
    free(bytes);
    return *to != NULL;
}

static void change_bytes(ProtobufCBinaryData *bytes)
{
    const size_t room = bytes->len + 16;
    uint8_t *more = room <= MAX_BYTES ? realloc(bytes->data, room) : NULL;

    if (!more)
        return;
    bytes->data = more;
    bytes->len = LLVMFuzzerMutate(more, bytes->len, room);
}

/* Element i of a list, or the field itself, and the same of another of its kind. */
static void *element(const struct place *place, size_t size, size_t i)
{
    return place->count ? *(char **)place->value + i * size : place->value;
}

static size_t element_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static void change_text(struct walk *walk, const struct place *place, char **text)
{
    const struct place *other = like(walk, place);
    const size_t i = other->count ? below(walk, *other->count) : 0;
    char *copy = copy_text(*(char **)element(other, sizeof(char *), i));

    if (*text != place->field->default_value && *text != protobuf_c_empty_string)
        free(*text);
    *text = copy;
}

static void change_message(struct walk *walk, const struct place *place, ProtobufCMessage **message)
{
    const struct place *other = like(walk, place);
    const size_t i = other->count ? below(walk, *other->count) : 0;
    ProtobufCMessage *from, *copy = NULL;

    from = *(ProtobufCMessage **)element(other, sizeof from, i);
    if (from && !duplicate_message(from, &copy))
        return;
    if (!copy && place->count)
        return; /* a list has no empty places */
    if (*message)
        protobuf_c_message_free_unpacked(*message, NULL);
    *message = copy;
}

static void change_element(struct walk *walk, const struct place *place, void *at)
{
    const size_t size = element_size(place->field);
    uint64_t number = 0;

    switch (place->field->type) {
    case PROTOBUF_C_TYPE_STRING:
        change_text(walk, place, at);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        change_bytes(at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        change_message(walk, place, at);
        break;
    default:
        memcpy(&number, at, size);
        number = change_number(walk, number);
        memcpy(at, &number, size);
    }
}

/* ---- changing lists ------------------------------------------------------------------------- */

static void free_element(const ProtobufCFieldDescriptor *field, void *at)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        free(*(char **)at);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        free(((ProtobufCBinaryData *)at)->data);
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        protobuf_c_message_free_unpacked(*(ProtobufCMessage **)at, NULL);
}

/* A copy of what stands at `from` into new memory of its own. */
static bool copy_element(const ProtobufCFieldDescriptor *field, const void *from, void *to)
{
    memcpy(to, from, element_size(field));
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return (*(char **)to = copy_text(*(char *const *)from)) != NULL;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return duplicate_message(*(ProtobufCMessage *const *)from, to);
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = from;
        ProtobufCBinaryData *copy = to;

        copy->data = malloc(bytes->len + 1);
        if (copy->data && bytes->len > 0)
            memcpy(copy->data, bytes->data, bytes->len);
        return copy->data != NULL;
    }
    return true;
}

static void leave_out(struct walk *walk, const struct place *place)
{
    const size_t size = element_size(place->field), i = below(walk, *place->count);
    char *list = *(char **)place->value;

    free_element(place->field, list + i * size);
    --*place->count;
    memmove(list + i * size, list + (i + 1) * size, (*place->count - i) * size);
}

static bool is_there(const struct place *place)
{
    if (place->count)
        return *place->count > 0;
    if (place->field->type == PROTOBUF_C_TYPE_STRING ||
        place->field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void **)place->value != NULL;
    return true;
}

/* One more at the end, as another field of its kind has it. */
static void append(struct walk *walk, const struct place *place)
{
    const size_t size = element_size(place->field);
    const struct place *other = like(walk, place);
    char *list = realloc(*(char **)place->value, (*place->count + 1) * size), *end;

    if (!list)
        return;
    *(char **)place->value = list;
    end = list + *place->count * size;
    if (is_there(other) &&
        copy_element(place->field,
                     element(other, size, other->count ? below(walk, *other->count) : 0), end))
        ++*place->count;
}

static void exchange(struct walk *walk, const struct place *place)
{
    const size_t size = element_size(place->field);
    char *list = *(char **)place->value;
    char *a = list + below(walk, *place->count) * size,
         *b = list + below(walk, *place->count) * size;
    char kept[sizeof(ProtobufCBinaryData)];

    memcpy(kept, a, size);
    memmove(a, b, size);
    memcpy(b, kept, size);
}

static void change(struct walk *walk, const struct place *place)
{
    if (!place->count) {
        if (place->has)
            *place->has = below(walk, 8) > 0;
        change_element(walk, place, place->value);
        return;
    }
    if (*place->count == 0) {
        append(walk, place);
        return;
    }
    switch (below(walk, 6)) {
    case 0:
        leave_out(walk, place);
        break;
    case 1:
        append(walk, place);
        break;
    case 2:
        exchange(walk, place);
        break;
    default:
        change_element(walk, place,
                       element(place, element_size(place->field), below(walk, *place->count)));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct walk walk;
    ProtobufCMessage *model = NULL;
    size_t packed, changes;

    walk.state = seed;
    if (below(&walk, 4) > 0)
        model = protobuf_c_message_unpack(&fsn_onnx__model_proto__descriptor, NULL, size, data);
    if (!model)
        return LLVMFuzzerMutate(data, size, max_size);
    changes = 1 + below(&walk, MAX_CHANGES);
    for (size_t i = 0; i < changes; i++) { /* collected anew: a change may free what was found */
        walk.count = 0;
        collect(&walk, model);
        change(&walk, &walk.place[below(&walk, walk.count)]);
    }
    packed = protobuf_c_message_get_packed_size(model);
    if (packed <= max_size)
        packed = protobuf_c_message_pack(model, data);
    else
        packed = LLVMFuzzerMutate(data, size, max_size);
    protobuf_c_message_free_unpacked(model, NULL);
    return packed;
}
