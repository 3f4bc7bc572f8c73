/* box_grids.c - see box_grids.h. Each grid is taken as large as it can be: boxes of a pixel while
 * the centre stays, pixels while the row does, rows while columns and sizes repeat. */
#include "detect/box_grids.h"

#include <stdbool.h>

struct boxes {
    const float (*at)[4];
    int64_t count;
};

/* Whether the `boxes` of the pixel that begins at `to` have the sizes of those at `from`, and one
 * centre. */
static bool is_pixel(struct boxes all, int64_t from, int64_t to, int64_t boxes)
{
    if (to + boxes > all.count)
        return false;
    for (int64_t b = 0; b < boxes; b++) {
        const float *mine = all.at[to + b], *its = all.at[from + b];

        if (mine[2] != its[2] || mine[3] != its[3] || mine[0] != all.at[to][0] ||
            mine[1] != all.at[to][1])
            return false;
    }
    return true;
}

/* Whether the row that begins at `to` is that at grid->first, but for its cy. */
static bool is_row(struct boxes all, const struct fsn__box_grid *grid, int64_t to)
{
    for (int64_t j = 0; j < grid->width; j++) {
        const int64_t at = to + j * grid->boxes;

        if (!is_pixel(all, grid->first, at, grid->boxes) || all.at[at][1] != all.at[to][1] ||
            all.at[at][0] != all.at[grid->first + j * grid->boxes][0])
            return false;
    }
    return true;
}

static struct fsn__box_grid grid_at(struct boxes all, int64_t first)
{
    const float *start = all.at[first];
    struct fsn__box_grid grid = {first, 1, 1, 1};

    while (first + grid.boxes < all.count && all.at[first + grid.boxes][0] == start[0] &&
           all.at[first + grid.boxes][1] == start[1])
        grid.boxes++;
    while (is_pixel(all, first, first + grid.width * grid.boxes, grid.boxes) &&
           all.at[first + grid.width * grid.boxes][1] == start[1])
        grid.width++;
    while (is_row(all, &grid, first + grid.height * grid.width * grid.boxes))
        grid.height++;
    return grid;
}

int fsn__find_box_grids(const float *standard, int64_t n,
                        struct fsn__box_grid grids[FSN__MAX_BOX_GRIDS])
{
    const struct boxes all = {(const float(*)[4])(const void *)standard, n};
    int count = 0;

    for (int64_t at = 0; at < n; count++) {
        if (count == FSN__MAX_BOX_GRIDS)
            return 0;
        grids[count] = grid_at(all, at);
        at += grids[count].height * grids[count].width * grids[count].boxes;
    }
    return count;
}
