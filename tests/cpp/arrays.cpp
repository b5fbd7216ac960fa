// Arrays, operators, differentiation and custom functions of mxgrad.hpp.
#include "check.hpp"

#include <limits>

using namespace mxgrad;
using floats = std::vector<float>;

static_assert(std::is_nothrow_move_constructible_v<ndarray> && std::is_nothrow_move_assignable_v<ndarray>);
static_assert(std::is_nothrow_move_constructible_v<object> && std::is_nothrow_move_assignable_v<object>);
static_assert(std::is_nothrow_move_constructible_v<value> && std::is_nothrow_move_assignable_v<value>);
static_assert(std::is_nothrow_move_constructible_v<function> && std::is_nothrow_move_assignable_v<function>);
static_assert(!std::is_copy_constructible_v<function> && !std::is_copy_constructible_v<scope>);

static void conversions()
{
    ndarray a(std::vector<double>{1, 2, 3, 4, 5, 6}, {2, 3});
    CHECK(a.dtype() == "float64" && a.shape() == (shape_t{2, 3}) && a.size() == 6 && a.context() == "cpu(0)");
    CHECK(a.to_vector<double>() == (std::vector<double>{1, 2, 3, 4, 5, 6}));
    CHECK(a.to_vector<std::int32_t>() == (std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
    const std::vector<std::uint8_t> small{7, 200};
    CHECK(ndarray(small).to_vector<std::uint8_t>() == small);
    CHECK(ndarray(std::vector<std::int64_t>{-1}).dtype() == "int64");
    CHECK(ndarray(floats{}).size() == 0 && ndarray(floats{}).to_vector<float>().empty());
    CHECK(ndarray({4}).item() == 4);
    CHECK(ndarray::ones({2}, "int32").dtype() == "int32");
    CHECK(ndarray::full({2, 2}, 0.5).to_vector<float>() == (floats{.5f, .5f, .5f, .5f}));
    error e = thrown<error>([] { ndarray({1, 2, 3}, {2, 2}); });
    CHECK(e.code() == MXG_ERR_VALUE && std::string(e.what()) == "ndarray: 3 numbers for a shape of 4");
}

static void ownership()
{
    ndarray a({1, 2}), b = a, c;
    CHECK(a && !c && a.get() != b.get());
    b.fill(5); // the same array
    CHECK(a.to_vector<float>() == (floats{5, 5}));
    c = std::move(b);
    CHECK(!b && c && thrown<error>([&] { b.shape(); }).code() == MXG_ERR_HANDLE);
    const ndarray &same = c;
    c = same;
    CHECK(c.size() == 2);
    ndarray d = ndarray::adopt(c.release());
    CHECK(!c && d.size() == 2);
}

static void arithmetic()
{
    ndarray a({1, 2, 3}), b({4, 4, 2});
    const auto same = [](const ndarray &x, const floats &numbers) { return x.to_vector<float>() == numbers; };
    CHECK(same(a + b, {5, 6, 5}) && same(a - b, {-3, -2, 1}) && same(a * b, {4, 8, 6}));
    CHECK(same(b / a, {4, 2, 2.f / 3}) && same(b % a, {0, 0, 2}) && same(-a, {-1, -2, -3}));
    CHECK(same(a + 1, {2, 3, 4}) && same(10 - a, {9, 8, 7}) && same(6 / a, {6, 3, 2}));
    CHECK(same(2 * a, {2, 4, 6}) && same(a == b, {0, 0, 0}) && same(a != b, {1, 1, 1}));
    CHECK(same(a < b, {1, 1, 0}) && same(a >= 2, {0, 1, 1}));
    CHECK(same(2 < a, {0, 0, 1}) && same(a <= 2, {1, 1, 0}) && same(a > b, {0, 0, 1}));
    ndarray view = a;
    a += b;
    a -= 1;
    a *= 2;
    a /= b;
    CHECK(same(a, {2, 2.5, 4}) && same(view, {2, 2.5, 4}));
    CHECK(thrown<error>([&] { a + ndarray({1, 2}); }).code() == MXG_ERR_VALUE);
}

static void parts()
{
    ndarray a({0, 1, 2, 3, 4, 5}, {2, 3});
    CHECK(a[1].to_vector<float>() == (floats{3, 4, 5}));
    CHECK(a.part({slice(), slice(1, 3)}).to_vector<float>() == (floats{1, 2, 4, 5}));
    CHECK(a.part({slice::index(-1), slice(MXG_NONE, MXG_NONE, 2)}).to_vector<float>() == (floats{3, 5}));
    a.assign({slice(), slice::index(0)}, ndarray({7, 8}));
    CHECK(a.to_vector<float>() == (floats{7, 1, 2, 8, 4, 5}));
    a.assign(ndarray({1}));
    CHECK(a.to_vector<float>() == floats(6, 1));
    CHECK(a.reshape({3, -1}).shape() == (shape_t{3, 2}) && a.astype("int8").dtype() == "int8");
    CHECK(thrown<error>([&] { a[5]; }).code() == MXG_ERR_VALUE);
}

static void operators()
{
    ndarray x({1, 2, 3, 4}, {2, 2});
    op sum("sum");
    CHECK(sum(x, kw("axis", 1)).to_vector<float>() == (floats{3, 7}));
    CHECK(sum(x, kw("axis", shape_t{0, 1}), kw("keepdims", true)).shape() == (shape_t{1, 1}));
    const double infinity = std::numeric_limits<double>::infinity();
    ndarray clipped = op("clip")(x, kw("a_min", -infinity), kw("a_max", 2.5));
    CHECK(clipped.to_vector<float>() == (floats{1, 2, 2.5, 2.5}));
    CHECK(op("zeros")(kw("shape", shape_t{3}), kw("dtype", "int32")).dtype() == "int32");
    arrays halves = op("split").all({x}, kw("num_outputs", 2), kw("axis", 0));
    CHECK(halves.size() == 2 && halves[1].to_vector<float>() == (floats{3, 4}));
    CHECK(op("concat").all(halves, kw("dim", 1))[0].shape() == (shape_t{1, 4}));
    CHECK(thrown<error>([] { op("sofmax"); }).code() == MXG_ERR_NOTFOUND);
    CHECK(thrown<error>([&] { sum(x, kw("axes", 1)); }).code() == MXG_ERR_TYPE);
}

static void differentiation()
{
    ndarray x({1, 2, 3});
    CHECK(!x.grad());
    x.attach_grad();
    ndarray y = record([&] { return x * x; });
    y.backward(ndarray({1, 10, 100}));
    CHECK(x.grad().to_vector<float>() == (floats{2, 40, 600}));

    int on = 1;
    pause([&] { return mxg_is_recording(&on); });
    CHECK(!on);
    train_mode([&] { return mxg_is_training(&on); });
    CHECK(on);
    predict_mode([&] { return mxg_is_training(&on); });
    CHECK(!on);
    thrown<std::range_error>([] { record([]() -> int { throw std::range_error(""); }); });
    check(mxg_is_recording(&on));
    CHECK(!on); // the scope ended with the exception

    arrays second = record([&] { // d2/dx2 of x**3
        arrays first = grad({x * x * x}, {x}, {}, true);
        return grad(first, {x});
    });
    CHECK(second[0].to_vector<float>() == (floats{6, 12, 18}));
    CHECK(thrown<error>([&] { y.detach().backward(); }).type() == "AutogradError");
}

struct special {
    int number;
};

static void functions()
{
    function my_exp("my_exp",
        [](const arrays &in) {
            arrays y = {op("exp")(in[0])};
            function::save(y);
            return y;
        },
        [](const arrays &head_grads, const arrays &saved) { return arrays{head_grads[0] * saved[0]}; });
    ndarray x({0, 1});
    x.attach_grad();
    ndarray y = record([&] { return my_exp(x); });
    y.backward();
    CHECK(y.to_vector<float>() == x.grad().to_vector<float>());

    function two("two", [](const arrays &in) { return arrays{in[0] + in[1], in[0] * 2}; },
                 [](const arrays &g, const arrays &) { return arrays{g[0] + 2 * g[1], ndarray()}; }, 2);
    ndarray z({5, 5});
    z.attach_grad();
    arrays out = record([&] { return two.all({x, z}); });
    arrays gradients = grad(out, {x});
    CHECK(out.size() == 2 && gradients[0].to_vector<float>() == (floats{3, 3}));

    // exceptions come back as they were, also those that are no std::exception
    function failing("failing", [](const arrays &) -> arrays { throw special{7}; },
                     [](const arrays &, const arrays &) { return arrays(); });
    CHECK(thrown<special>([&] { failing(x); }).number == 7);
    function outer("outer", [&](const arrays &in) { return arrays{failing(in[0])}; },
                   [](const arrays &, const arrays &) { return arrays(); });
    CHECK(thrown<special>([&] { outer(x); }).number == 7);
    function backward_fails("backward_fails", [](const arrays &in) { return arrays{in[0] * 1}; },
                            [](const arrays &, const arrays &) -> arrays { throw std::out_of_range("no"); });
    ndarray w = record([&] { return backward_fails(x); });
    CHECK(thrown<std::out_of_range>([&] { w.backward(); }).what() == std::string("no"));
    function none("none", [](const arrays &) { return arrays(); },
                  [](const arrays &, const arrays &) { return arrays(); });
    CHECK(thrown<error>([&] { none(x); }).what() == std::string("function: forward gave 0 arrays, not 1"));
    // what comes next has nothing of it
    CHECK(thrown<error>([] { op("nonsense"); }).code() == MXG_ERR_NOTFOUND);
}

static void printing()
{
    std::ostringstream to;
    to << ndarray({1, 2});
    CHECK(to.str() == "\n[1. 2.]\n<NDArray 2 @cpu(0)>");
    CHECK(info().find("\"version\"") != std::string::npos);
    seed(3);
    const auto first = op("random.uniform")(kw("shape", shape_t{2})).to_vector<float>();
    seed(3);
    CHECK(first == op("random.uniform")(kw("shape", shape_t{2})).to_vector<float>());
}

static void programs()
{
    ndarray x({1, 2}), w({3, 4});
    w.attach_grad();
    program squared = record([&] { return program({x}, [&] { return arrays{(x * w) * (x * w), x + 1}; }); });
    ndarray y = record([&] { return squared(ndarray({1, 1})); });
    y.backward();
    CHECK(y.to_vector<float>() == (floats{9, 16}) && w.grad().to_vector<float>() == (floats{6, 8}));
    CHECK(record([&] { return squared.all({x}); })[1].to_vector<float>() == (floats{2, 3}));
    CHECK(thrown<error>([&] { squared(x); }).code() == MXG_ERR_VALUE); // it was recorded while recording

    const auto look = [&] { program({x}, [&] { return arrays{x * x.to_vector<float>()[0]}; }); };
    CHECK(thrown<error>(look).code() == MXG_ERR_AUTOGRAD);
    CHECK(thrown<std::logic_error>([&] {
              program({x}, []() -> arrays { throw std::logic_error("no"); });
          }).what() == std::string("no"));
    program moved = std::move(squared);
    CHECK(program({x}, [&] { return arrays{-x}; })(x).to_vector<float>() == (floats{-1, -2}));
}

int main()
{
    return run(conversions, ownership, arithmetic, parts, operators, differentiation, functions, programs,
               printing);
}
