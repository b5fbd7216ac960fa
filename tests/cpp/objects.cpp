// Objects and values of mxgrad.hpp: calls by name, attributes, iteration, lambdas, classes.
#include "check.hpp"

using namespace mxgrad;

static void calls()
{
    object net = call("gluon.nn.Dense", 3, kw("in_units", 2), kw("activation", "relu"));
    CHECK(net.is_a("gluon.Block") && !net.is_a("gluon.Trainer"));
    CHECK(net.class_name().find("Dense") != std::string::npos);
    call(net, "initialize", kw("init", call("initializer.One")));
    ndarray y = net(ndarray({1, 2}, {1, 2}));
    CHECK(y.to_vector<float>() == (std::vector<float>{3, 3, 3}));
    CHECK(ndarray({3, 1, 2}).call("sum", kw("keepdims", true)).as<ndarray>().item() == 6);
    object same = net, other = call("gluon.nn.Dense", 3);
    CHECK(same.is(net) && !other.is(net));
    object moved = std::move(same);
    CHECK(!same && moved.is(net));
    error e = thrown<error>([&] { net.call("inizialize"); });
    CHECK(e.code() == MXG_ERR_NOTFOUND && std::string(e.what()).find("initialize") != std::string::npos);
    CHECK(thrown<error>([] { call("os.system", "true"); }).code() == MXG_ERR_NOTFOUND);
    std::ostringstream text;
    text << net;
    CHECK(text.str().find("Dense") == 0);
}

static void attributes()
{
    object net = call("gluon.nn.Sequential");
    net.call("add", call("gluon.nn.Dense", 2), call("gluon.nn.Dense", 1));
    CHECK(net.size() == 2 && net[1].as<object>().is_a("gluon.nn.Dense"));
    int layers = 0;
    for (value layer : net)
        layers += layer.as<object>().is_a("gluon.nn.Dense");
    CHECK(layers == 2);
    object adam = call("optimizer.Adam", kw("learning_rate", 0.25));
    CHECK(adam.attr("learning_rate").as<double>() == 0.25);
    adam.set("wd", 0.5);
    CHECK(adam.attr("wd").as<double>() == 0.5);
    CHECK(get("nd.NDArray").as<object>() && get("gluon.Block").is<object>());
}

static void values()
{
    CHECK(value().is_none() && value(nullptr).is_none());
    CHECK(value(true).as<bool>() && value(3).as<double>() == 3 && value(2.5).as<float>() == 2.5f);
    CHECK(value(-1).as<std::int64_t>() == -1 && value("text").as<std::string>() == "text");
    CHECK((value(std::vector<int>{1, 2}).as<std::vector<int>>() == std::vector<int>{1, 2}));
    CHECK(value(std::vector<int>{1}).text() == "(1, )" && value(list{1, "a", true}).text() == "(1, a, True)");
    error e = thrown<error>([] { value("3").as<int>(); });
    CHECK(e.code() == MXG_ERR_TYPE && std::string(e.what()) == "value: text is no integer");
    CHECK(thrown<error>([] { value(2.5).as<int>(); }).what() == std::string("value: a double is no integer"));
}

/* What a lambda gets and gives goes there and back unchanged. */
static value echo(const value &given)
{
    value got;
    object transform = call("gluon.data.SimpleDataset", list{1}).as<object>();
    object mapped = transform.call("transform", [&](const list &) { return given; });
    return mapped[0];
}

static void lambdas()
{
    CHECK(echo(nullptr).is_none() && echo(true).as<bool>());
    CHECK(echo(-5).as<int>() == -5 && echo(.5).as<double>() == .5);
    CHECK(echo("wörter").as<std::string>() == "wörter");
    CHECK(echo(std::string("a\0b", 3)).as<std::string>().size() == 3);
    CHECK(echo(bytes{std::string("\xff\0", 2)}).as<bytes>().data == std::string("\xff\0", 2));
    CHECK(echo(list{1, list{}, list{"x"}}).as<list>()[2].as<std::vector<std::string>>()[0] == "x");
    dict d = echo(dict{{"one", 1}, {2, ndarray({2})}}).as<dict>();
    CHECK(d.size() == 2 && d[0].first.as<std::string>() == "one" && d[1].second.as<ndarray>().item() == 2);
    object net = call("gluon.nn.Dense", 1);
    CHECK(echo(net).as<object>().is(net));

    object data = call("gluon.data.SimpleDataset", list{1, 2, 3});
    int calls = 0;
    {
        object doubled = data.call("transform", [&calls](const list &args) {
            calls++;
            return args[0].as<int>() * 2;
        });
        int sum = 0;
        for (value v : doubled)
            sum += v.as<int>();
        CHECK(sum == 12 && calls == 3);
    }
    // an exception goes through mxgrad unchanged
    object failing = data.call("transform", [](const list &) -> value { throw std::domain_error("mine"); });
    CHECK(thrown<std::domain_error>([&] { failing[0]; }).what() == std::string("mine"));
    CHECK(thrown<error>([&] { failing[7]; }).code() != MXG_ERR_CALLBACK);
    object never = data.call("transform", [](const list &) -> value {
        return [](const list &) { return 1; };
    });
    CHECK(thrown<error>([&] { never[0]; }).what() == std::string("value: a lambda cannot give a lambda"));
    // what a lambda holds is freed with it, also when the call that it was given to fails
    auto held = std::make_shared<int>(1);
    thrown<error>([&] { data.call("nonsense", [held](const list &) { return *held; }); });
    CHECK(held.use_count() == 1);
}

static void classes()
{
    object doubler = subclass(get("gluon.Block"), "Doubler", {
        {"forward", [](const list &args, const dict &) { return args[1].as<ndarray>() * 2; }},
    })();
    CHECK(doubler.is_a("gluon.Block") && doubler.text().find("Doubler") == 0);
    CHECK(doubler(ndarray({4})).as<ndarray>().item() == 8);

    object count = subclass(get("gluon.data.Dataset"), "Count", {
        {"__len__", [](const list &) { return 3; }},
        {"__getitem__", [](const list &args) { return args[1].as<int>() * 10; }},
    })();
    CHECK(count.size() == 3 && count[2].as<int>() == 20);
}

static void training()
{
    seed(0);
    ndarray x({0, 1, 2, 3}, {4, 1}), y({1, 3, 5, 7}, {4, 1});
    object net = call("gluon.nn.Dense", 1), loss = call("gluon.loss.L2Loss");
    net.call("initialize");
    object trainer = call("gluon.Trainer", net.call("collect_params"), "sgd", dict{{"learning_rate", 0.2}});
    for (int step = 0; step < 200; step++) {
        ndarray l = record([&] { return loss(net(x), y).as<ndarray>(); });
        l.backward();
        trainer.call("step", 4);
    }
    ndarray weight = net.attr("weight").as<object>().call("data");
    CHECK(std::abs(weight.item() - 2) < 1e-3);
}

int main() { return run(calls, attributes, values, lambdas, classes, training); }
