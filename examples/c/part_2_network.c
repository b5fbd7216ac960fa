/* Part 2 of 5, a network: layers, a block of layers, its parameters, its output.
 *
 *     cc -std=c99 part_2_network.c $(mxgrad-config --cflags --libs) -o part_2_network
 */
#include "objects.h"

int main(void)
{
    mxg_value layer, layers[3], net, weight, parameters, names, at;
    mxg_ndarray x, scores, chances;
    int32_t i;

    check(mxg_seed(2));
    check(mxgop_random_uniform(&(mxgop_random_uniform_params){.shape = "(3, 4)"}, &x));

    puts("A layer of 2 units, and what it makes of 3 rows with 4 numbers each:");
    layer = dense(2, NULL);
    print_object(&layer);
    call_only(&layer, "initialize", 0, NULL);
    take_print(forward(&layer, x));

    puts("\nIts weight, whose shape it took from its first input:");
    weight = call(&layer, "weight.data", 0, NULL, NULL);
    take_print(take_array(weight));
    check(mxg_value_clear(&layer));

    puts("\nLayers one after the other:");
    layers[0] = dense(16, "relu");
    layers[1] = dense(8, "relu");
    layers[2] = dense(10, NULL);
    net = sequential(3, layers);
    print_object(&net);
    scores = forward(&net, x);
    check(mxgop_softmax(scores, NULL, NULL, &chances));
    check(mxg_ndarray_free(scores));
    take_print(chances);

    puts("\nThe layer in the middle is net[1]; the parameters of all:");
    at = (mxg_value)MXG_NEW_INT(1);
    check(mxg_get_item(&net, &at, &layer));
    print_object(&layer);
    check(mxg_value_clear(&layer));
    parameters = call(&net, "collect_params", 0, NULL, NULL);
    check(mxg_iterate(&parameters, &names));
    for (i = 0;; i++) {
        mxg_value name;
        int more;
        check(mxg_next(&names, &name, &more));
        if (!more)
            break;
        printf("%s%s", i ? ", " : "", (const char *)name.at);
        check(mxg_value_clear(&name));
    }
    puts("");

    check(mxg_value_clear(&names));
    check(mxg_value_clear(&parameters));
    check(mxg_value_clear(&net));
    check(mxg_ndarray_free(x));
    return 0;
}
