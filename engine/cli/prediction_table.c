/* prediction_table.c - what a network takes an image for, or finds in it, for people; out of the
 * JSON that fsnet predict and the service have in common. */
#include "cli.h"

json_t *cli_path_json(const char *path)
{
    json_t *text = json_string(path);

    return text ? text : json_null();
}

/* "class 3  cat" */
static void print_class(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));

    printf("class %lld%s%s", (long long)json_integer_value(json_object_get(object, "class")),
           name ? "  " : "", name ? name : "");
}

void cli_print_choices(const char *path, const json_t *choices)
{
    size_t i;
    const json_t *choice;

    printf("%s\n", path);
    json_array_foreach(choices, i, choice)
    {
        printf("  %6.2f %%  ", 100 * json_number_value(json_object_get(choice, "probability")));
        print_class(choice);
        putchar('\n');
    }
}

void cli_print_objects(const char *path, const json_t *objects)
{
    size_t i;
    const json_t *object;

    printf("%s\n", path);
    if (json_array_size(objects) == 0)
        puts("  nothing");
    json_array_foreach(objects, i, object)
    {
        const json_t *box = json_object_get(object, "box");

        printf("  %5.3f  ", json_number_value(json_object_get(object, "score")));
        print_class(object);
        printf("  from %.1f, %.1f to %.1f, %.1f\n", json_number_value(json_array_get(box, 0)),
               json_number_value(json_array_get(box, 1)), json_number_value(json_array_get(box, 2)),
               json_number_value(json_array_get(box, 3)));
    }
}
