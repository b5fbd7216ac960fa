/* mxgrad_ops.h: each form of its functions, errors, threads. */
#include "check.h"

#include <mxgrad_ops.h>
#include <pthread.h>

static mxg_ndarray matrix(void)
{
    const float data[] = {1, 2, 3, 4, 5, 6};
    const int64_t shape[] = {2, 3};
    mxg_ndarray a;
    OK(mxg_ndarray_from_data(data, "float32", 2, shape, NULL, &a));
    return a;
}

static void test_one_array(void)
{
    mxg_ndarray x = matrix(), y;
    OK(mxgop_sum(x, NULL, &y));
    VALUES(y, 21);
    OK(mxg_ndarray_free(y));
    OK(mxgop_sum(x, &(mxgop_sum_params){.axis = "1", .keepdims = "True"}, &y));
    SHAPE(y, 2, 1);
    VALUES(y, 6, 15);
    OK(mxg_ndarray_free(y));
    OK(mxgop_np_sum(x, &(mxgop_np_sum_params){.axis = "0"}, &y));
    VALUES(y, 5, 7, 9);
    OK(mxg_ndarray_free(y));
    OK(mxgop_square(x, &y));
    VALUES(y, 1, 4, 9, 16, 25, 36);
    OK(mxg_ndarray_free(y));
    OK(mxg_ndarray_free(x));
}

static void test_more_arrays(void)
{
    mxg_ndarray x = matrix(), y, both[2];
    OK(mxgop_dot(x, x, &(mxgop_dot_params){.transpose_b = "True"}, &y));
    VALUES(y, 14, 32, 32, 77);
    OK(mxg_ndarray_free(y));
    OK(mxgop_softmax(x, NULL, &(mxgop_softmax_params){.axis = "0", .dtype = "float64"}, &y)); /* no length */
    SHAPE(y, 2, 3);
    OK(mxg_ndarray_free(y));
    both[0] = both[1] = x;
    OK(mxgop_concat(2, both, &(mxgop_concat_params){.dim = "0"}, &y)); /* by its other name, too */
    SHAPE(y, 4, 3);
    OK(mxg_ndarray_free(y));
    OK(mxgop_Concat(2, both, NULL, &y));
    SHAPE(y, 2, 6);
    OK(mxg_ndarray_free(y));
    OK(mxgop_zeros(&(mxgop_zeros_params){.shape = "(2, 2)", .dtype = "int32"}, &y));
    VALUES(y, 0, 0, 0, 0);
    OK(mxg_ndarray_free(y));
    OK(mxg_ndarray_free(x));
}

static void test_other_numbers_of_results(void)
{
    mxg_ndarray x = matrix(), parts[3], y;
    int32_t n = 3;
    OK(mxgop_split(x, &(mxgop_split_params){.num_outputs = "3"}, &n, parts));
    CHECK(n == 3);
    VALUES(parts[2], 3, 6);
    OK(mxg_ndarray_free_n(3, parts));
    n = 2;
    FAILS(MXG_ERR_BUFFER, mxgop_split(x, &(mxgop_split_params){.num_outputs = "3"}, &n, parts));
    CHECK(n == 3);
    OK(mxgop_np_ones(&(mxgop_np_ones_params){.shape = "(2, 2)"}, &y));
    OK(mxgop_np_fill_diagonal(y, &(mxgop_np_fill_diagonal_params){.val = "9"}));
    VALUES(y, 9, 1, 1, 9);
    OK(mxg_ndarray_free(y));
    FAILS(MXG_ERR_BUFFER, mxgop_topk(x, &(mxgop_topk_params){.ret_typ = "both"}, &y)); /* two, mxg_invoke's */
    CHECK(y == NULL);
    OK(mxg_ndarray_free(x));
}

static void test_errors(void)
{
    mxg_ndarray x = matrix(), y;
    FAILS(MXG_ERR_TYPE, mxgop_expand_dims(x, NULL, &y));
    SAYS("axis");
    FAILS(MXG_ERR_VALUE, mxgop_sum(x, &(mxgop_sum_params){.axis = "5"}, &y));
    FAILS(MXG_ERR_HANDLE, mxgop_sum(NULL, NULL, &y));
    FAILS(MXG_ERR_VALUE, mxgop_sum(x, NULL, NULL));
    OK(mxg_ndarray_free(x));
}

static void *many(void *ctx)
{
    mxg_ndarray x = matrix(), y;
    double value;
    int i;
    (void)ctx;
    for (i = 0; i < 200; i++) {
        OK(mxgop_max(x, NULL, &y));
        OK(mxg_ndarray_item(y, &value));
        CHECK(value == 6);
        OK(mxg_ndarray_free(y));
    }
    OK(mxg_ndarray_free(x));
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[8];
    int i;
    for (i = 0; i < LENGTH(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, many, NULL) == 0);
    for (i = 0; i < LENGTH(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void)
{
    int64_t live;
    test_threads(); /* first, while no operator is known */
    test_one_array();
    test_more_arrays();
    test_other_numbers_of_results();
    test_errors();
    OK(mxg_live(0, &live));
    CHECK(live == 0);
    return 0;
}
