/* digits_data.h - the UCI handwritten digits, for the programs that train on them. */
#ifndef DIGITS_DATA_H
#define DIGITS_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 1797, PIXELS = 64, CLASSES = 10 };

/* Pixels in 0..1 and the digit of each image. */
typedef struct {
    int n;
    float pixels[IMAGES][PIXELS];
    float digits[IMAGES];
} images;

static images training, testing;

/* Every fifth line is a test image, the others are for training. */
static void load_digits(const char *path)
{
    FILE *file = fopen(path, "r");
    int line, i;
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    for (line = 0; line < IMAGES; line++) {
        images *to = line % 5 == 4 ? &testing : &training;
        float *pixels = to->pixels[to->n];
        for (i = 0; i < PIXELS; i++, pixels++) {
            if (fscanf(file, "%f,", pixels) != 1)
                break;
            *pixels /= 16;
        }
        if (i < PIXELS || fscanf(file, "%f", &to->digits[to->n]) != 1) {
            fprintf(stderr, "%s:%d: not %d pixels and a digit\n", path, line + 1, PIXELS);
            exit(EXIT_FAILURE);
        }
        to->n++;
    }
    fclose(file);
}

/* The file data/digits.csv in the directory above this source file. */
static const char *digits_path(void)
{
    static char path[4096];
    const char *slash = strrchr(__FILE__, '/');
    snprintf(path, sizeof path, "%.*s../data/digits.csv", slash ? (int)(slash - __FILE__ + 1) : 0, __FILE__);
    return path;
}

#endif
