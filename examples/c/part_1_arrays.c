/* Part 1 of 5, arrays: how they are made, asked, computed with and taken apart.
 *
 *     cc -std=c99 part_1_arrays.c $(mxgrad-config --cflags --libs) -o part_1_arrays
 */
#include "objects.h"

int main(void)
{
    const float numbers[] = {1, 2, 3, 5, 6, 7};
    const int64_t shape[] = {2, 3}, begin[] = {1, 1}, end[] = {2, 3};
    mxg_ndarray x = matrix(2, 3, numbers), y, z;
    int64_t sizes[2];
    int32_t ndim;
    const char *dtype, *context;
    float out[6];
    int i;

    puts("An array of 2 rows and 3 columns, and what it says of itself:");
    print(x);
    check(mxg_ndarray_shape(x, 2, sizes, &ndim));
    check(mxg_ndarray_dtype(x, &dtype));
    check(mxg_ndarray_context(x, &context));
    printf("shape (%d, %d), %s, %s\n", (int)sizes[0], (int)sizes[1], dtype, context);

    puts("\nOnes, and numbers from -1 to 1:");
    check(mxg_ndarray_ones(NULL, 2, shape, NULL, &y));
    print(y);
    check(mxg_seed(1));
    check(mxgop_random_uniform(
        &(mxgop_random_uniform_params){.low = "-1", .high = "1", .shape = "(2, 3)"}, &z));
    take_print(z);

    puts("\nx * x, exp(x), and the matrix product of x with itself transposed:");
    check(mxgop_multiply(x, x, &z));
    take_print(z);
    check(mxgop_exp(x, &z));
    take_print(z);
    check(mxgop_dot(x, x, &(mxgop_dot_params){.transpose_b = "True"}, &z));
    take_print(z);

    puts("\nThe sums of the rows; the part of x in row 1, columns 1 and 2; and x after 9 was written there:");
    check(mxgop_sum(x, &(mxgop_sum_params){.axis = "1"}, &z));
    take_print(z);
    check(mxg_ndarray_slice(x, 2, begin, end, NULL, NULL, &z));
    print(z);
    check(mxg_ndarray_assign_scalar(z, 9)); /* a view: it writes into x */
    check(mxg_ndarray_free(z));
    print(x);

    puts("\nThe numbers as C has them:");
    check(mxg_ndarray_copy_to(x, out, sizeof out));
    for (i = 0; i < 6; i++)
        printf("%g%c", out[i], i < 5 ? ' ' : '\n');

    check(mxg_ndarray_free(y));
    check(mxg_ndarray_free(x));
    return 0;
}
