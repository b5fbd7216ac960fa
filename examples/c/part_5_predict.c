/* Part 5 of 5, prediction: what the network of part 4 reads in some images.
 *
 *     cc -std=c99 part_5_predict.c $(mxgrad-config --cflags --libs) -o part_5_predict
 *     ./part_5_predict [digits.params]
 *
 * Without a file of parameters, as part 4 writes it, the network is trained first.
 */
#include "digits_net.h"

enum { SHOWN = 4 };

static void picture(const float *pixels)
{
    static const char SHADES[] = " .:-=+*#%@";
    int row, column;
    for (row = 0; row < 8; row++) {
        for (column = 0; column < 8; column++) {
            char shade = SHADES[(int)(pixels[8 * row + column] * 9)];
            printf("%c%c", shade, shade);
        }
        puts("");
    }
}

int main(int argc, char **argv)
{
    mxg_value net = digits_net();
    mxg_ndarray X, scores, chances;
    float p[SHOWN][CLASSES];
    int i, digit;

    load_digits(digits_path());
    if (argc > 1) {
        const mxg_value path = MXG_NEW_STRING(argv[1]);
        call_only(&net, "load_parameters", 1, &path);
    } else
        train(&net, 10, 0);

    X = matrix(SHOWN, PIXELS, testing.pixels[0]);
    scores = forward(&net, X);
    check(mxgop_softmax(scores, NULL, NULL, &chances));
    check(mxg_ndarray_copy_to(chances, p, sizeof p));
    for (i = 0; i < SHOWN; i++) {
        int best = 0;
        for (digit = 1; digit < CLASSES; digit++)
            if (p[i][digit] > p[i][best])
                best = digit;
        picture(testing.pixels[i]);
        printf("reads %d with %.0f %%, is %.0f\n\n", best, 100 * p[i][best], testing.digits[i]);
    }
    printf("test accuracy %.4f\n", test_accuracy(&net));

    {
        const mxg_ndarray all[] = {X, scores, chances};
        check(mxg_ndarray_free_n(3, all));
    }
    check(mxg_value_clear(&net));
    return 0;
}
