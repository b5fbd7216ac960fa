/* digits_net.h - a network that reads digits, and its training: parts 4 and 5 share it. */
#ifndef DIGITS_NET_H
#define DIGITS_NET_H

#include "digits_data.h"
#include "objects.h"

/* 64 pixels -> 32 units -> 10 scores, with first values that are the same each time. */
static mxg_value digits_net(void)
{
    mxg_value layers[2];
    check(mxg_seed(0));
    layers[0] = dense(32, "relu");
    layers[1] = dense(CLASSES, NULL);
    return sequential(2, layers);
}

/* gluon.Trainer(net.collect_params(), "adam", {"learning_rate": rate}) */
static mxg_value adam(const mxg_value *net, double rate)
{
    const mxg_value options[2] = {MXG_NEW_STRING("learning_rate"), MXG_NEW_DOUBLE(rate)};
    mxg_value args[3] = {MXG_NEW_NONE, MXG_NEW_STRING("adam"), MXG_NEW_DICT(2, options)}, trainer;
    args[0] = call(net, "collect_params", 0, NULL, NULL);
    trainer = call(NULL, "gluon.Trainer", 3, args, NULL);
    check(mxg_value_clear(&args[0]));
    return trainer;
}

/* gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), 64, last_batch="discard"), in the order of the file */
static mxg_value loader_of(const images *of)
{
    const mxg_value last[2] = {MXG_NEW_STRING("last_batch"), MXG_NEW_STRING("discard")};
    const mxg_value named = MXG_NEW_DICT(2, last);
    mxg_ndarray X = matrix(of->n, PIXELS, of->pixels[0]), y = vector(of->n, of->digits);
    const mxg_value both[2] = {MXG_NEW_NDARRAY(X), MXG_NEW_NDARRAY(y)};
    mxg_value args[2] = {MXG_NEW_NONE, MXG_NEW_INT(64)}, loader;
    args[0] = call(NULL, "gluon.data.ArrayDataset", 2, both, NULL);
    loader = call(NULL, "gluon.data.DataLoader", 2, args, &named);
    check(mxg_value_clear(&args[0]));
    check(mxg_ndarray_free(X));
    check(mxg_ndarray_free(y));
    return loader;
}

/* One pass over the training images; the mean loss. */
static double train_epoch(const mxg_value *net, const mxg_value *loss, const mxg_value *trainer,
                          const mxg_value *loader)
{
    mxg_value batches;
    double sum = 0;
    int n = 0;
    check(mxg_iterate(loader, &batches));
    for (;;) {
        mxg_value batch, pair[2];
        mxg_ndarray scores, losses, mean;
        int64_t scope;
        int more;
        const mxg_value size = MXG_NEW_INT(64);
        check(mxg_next(&batches, &batch, &more));
        if (!more)
            break;
        pair[1] = ((const mxg_value *)batch.at)[1];
        scope = record();
        scores = forward(net, (mxg_ndarray)((const mxg_value *)batch.at)[0].at);
        pair[0] = (mxg_value)MXG_NEW_NDARRAY(scores);
        losses = take_array(call(loss, NULL, 2, pair, NULL));
        check(mxg_scope_end(scope));
        check(mxg_backward(1, &losses, NULL, 0, 1));
        call_only(trainer, "step", 1, &size);
        check(mxgop_mean(losses, NULL, &mean));
        sum += take_number(mean);
        n++;
        check(mxg_ndarray_free(losses));
        check(mxg_ndarray_free(scores));
        check(mxg_value_clear(&batch));
    }
    check(mxg_value_clear(&batches));
    return sum / n;
}

/* How many of the test images the network reads right, from 0 to 1. */
static double test_accuracy(const mxg_value *net)
{
    mxg_ndarray X = matrix(testing.n, PIXELS, testing.pixels[0]), y = vector(testing.n, testing.digits);
    mxg_ndarray scores = forward(net, X), guess;
    check(mxgop_argmax(scores, &(mxgop_argmax_params){.axis = "1"}, &guess));
    replace(&guess, apply2("equal", guess, y));
    replace(&guess, apply1("mean", guess));
    check(mxg_ndarray_free(scores));
    check(mxg_ndarray_free(X));
    check(mxg_ndarray_free(y));
    return take_number(guess);
}

/* Trains the network for some epochs, and says after each how it does if `talk` is not 0. */
static void train(const mxg_value *net, int epochs, int talk)
{
    mxg_value loss = call(NULL, "gluon.loss.SoftmaxCrossEntropyLoss", 0, NULL, NULL);
    mxg_value trainer = adam(net, 0.01), loader = loader_of(&training);
    int epoch;
    for (epoch = 1; epoch <= epochs; epoch++) {
        double mean = train_epoch(net, &loss, &trainer, &loader);
        if (talk)
            printf("epoch %2d  loss %.4f  test accuracy %.4f\n", epoch, mean, test_accuracy(net));
    }
    check(mxg_value_clear(&loader));
    check(mxg_value_clear(&trainer));
    check(mxg_value_clear(&loss));
}

#endif
