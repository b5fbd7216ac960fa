/* Part 4 of 5, training: a network of two layers learns to read digits.
 *
 *     cc -std=c99 part_4_train.c $(mxgrad-config --cflags --libs) -o part_4_train
 *     ./part_4_train [digits.params]
 *
 * The parameters go into the file that is named.
 */
#include "digits_net.h"

int main(int argc, char **argv)
{
    mxg_value net = digits_net();
    load_digits(digits_path());
    print_object(&net);
    train(&net, 10, 1);
    if (argc > 1) {
        const mxg_value path = MXG_NEW_STRING(argv[1]);
        call_only(&net, "save_parameters", 1, &path);
    }
    check(mxg_value_clear(&net));
    return 0;
}
