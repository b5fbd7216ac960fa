/* mxgrad.hpp - mxgrad for C++17, header only, over mxgrad.h
 *
 * Handles are freed by their owners, failures are exceptions, arrays have operators, and everything of the
 * Python package is called by its name there:
 *
 *     #include <mxgrad.hpp>
 *     #include <iostream>
 *     using namespace mxgrad;
 *
 *     int main()
 *     {
 *         ndarray x({1, 2, 3});
 *         x.attach_grad();
 *         ndarray y = record([&] { return op("sum")(x * x); });
 *         y.backward();
 *         std::cout << "dy/dx = " << x.grad() << "\n";
 *
 *         object net = call("gluon.nn.Dense", 2, kw("activation", "relu"));
 *         net.call("initialize");
 *         ndarray z = net(x.reshape({1, 3}));
 *         std::cout << z.shape()[1] << " units\n";
 *     }
 *
 *     c++ -std=c++17 first.cpp $(mxgrad-config --cflags --libs) -o first
 *
 * An object of a class here may be moved from, and is then empty; the copy of an ndarray or object is another
 * handle of the same thing, as in Python.  Exceptions that leave a lambda which mxgrad calls go through
 * mxgrad and come out of the call unchanged.  What mxgrad.h says of threads holds here too.
 */
#ifndef MXGRAD_HPP
#define MXGRAD_HPP

#include "mxgrad.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mxgrad {

class ndarray;
class object;
class value;
using shape_t = std::vector<std::int64_t>;
using arrays = std::vector<ndarray>;
using list = std::vector<value>;
using dict = std::vector<std::pair<value, value>>;

/* ---- errors ------------------------------------------------------------------------------------------- */

/* A call of mxgrad failed; what() is its message. */
class error : public std::runtime_error {
public:
    /* `code` is a status of mxgrad.h, `type` names mxgrad's exception class. */
    error(int code, const std::string &message, std::string type = "", std::string traceback = "")
        : std::runtime_error(message), code_(code), type_(std::move(type)), traceback_(std::move(traceback))
    {
    }

    int code() const noexcept { return code_; }
    const std::string &type() const noexcept { return type_; }
    /* Where it happened inside mxgrad: for bug reports. */
    const std::string &traceback() const noexcept { return traceback_; }

private:
    int code_;
    std::string type_, traceback_;
};

/* Thrown by a lambda that is called for the next value when there is none; ends that iteration. */
struct stop_iteration : std::exception {
    const char *what() const noexcept override { return "stop_iteration"; }
};

namespace detail {

/* The exception that left a lambda of this thread, while it is on its way through mxgrad. */
inline std::exception_ptr &pending() noexcept
{
    thread_local std::exception_ptr exception;
    return exception;
}

[[noreturn]] inline void fail(int status)
{
    std::exception_ptr thrown = std::exchange(pending(), nullptr);
    if (thrown && mxg_last_code() == MXG_ERR_CALLBACK)
        std::rethrow_exception(thrown);
    std::string message = mxg_last_error(), type = mxg_last_type();
    throw error(status, message, type, mxg_last_traceback());
}

/* Runs the body of a callback: an exception becomes a status. */
template <class F>
int guarded(F &&body) noexcept
{
    try {
        body();
        return MXG_OK;
    } catch (const stop_iteration &) {
        return MXG_ERR_STOP;
    } catch (const std::exception &e) {
        pending() = std::current_exception();
        return mxg_set_error(MXG_ERR_CALLBACK, e.what());
    } catch (...) {
        pending() = std::current_exception();
        return mxg_set_error(MXG_ERR_CALLBACK, "an exception that is no std::exception");
    }
}

/* What a function of mxgrad.h writes into a buffer as text. */
template <class F>
std::string text_of(F &&write);

} // namespace detail

/* Throws if the status of a function of mxgrad.h says that it failed. */
inline void check(int status)
{
    if (status != MXG_OK)
        detail::fail(status);
    detail::pending() = nullptr; /* an exception that mxgrad dealt with */
}

template <class F>
std::string detail::text_of(F &&write)
{
    std::size_t need = 0;
    int status = write(nullptr, std::size_t(0), &need);
    if (status != MXG_ERR_BUFFER)
        check(status);
    std::string text(need, '\0');
    check(write(&text[0], need, &need));
    text.resize(need - 1);
    return text;
}

/* The running library as JSON: see mxg_info. */
inline std::string info()
{
    return detail::text_of(
        [](char *buf, std::size_t cap, std::size_t *need) { return mxg_info(buf, cap, need); });
}

/* Seeds the random numbers of every context. */
inline void seed(std::int64_t number) { check(mxg_seed(number)); }

/* ---- dtypes ------------------------------------------------------------------------------------------- */

/* mxgrad's name of a C++ number type, such as "float32" of float. */
template <class T>
constexpr const char *dtype_of()
{
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, long double>, "no dtype of mxgrad");
    if constexpr (std::is_same_v<T, bool>)
        return "bool";
    else if constexpr (std::is_floating_point_v<T>)
        return sizeof(T) == 4 ? "float32" : "float64";
    else if constexpr (std::is_signed_v<T>)
        return sizeof(T) == 1 ? "int8" : sizeof(T) == 2 ? "int16" : sizeof(T) == 4 ? "int32" : "int64";
    else
        return sizeof(T) == 1 ? "uint8" : sizeof(T) == 2 ? "uint16" : sizeof(T) == 4 ? "uint32" : "uint64";
}

/* ---- arrays ------------------------------------------------------------------------------------------- */

/* What to take along an axis: slice(1, 3), slice(1, 3, 2), slice() for all; slice::index(2) drops it. */
struct slice {
    std::int64_t begin = MXG_NONE, end = MXG_NONE, step = 1;
    std::int32_t drop = 0;

    slice() = default;
    slice(std::int64_t b, std::int64_t e, std::int64_t s = 1) : begin(b), end(e), step(s) {}

    static slice index(std::int64_t i)
    {
        slice s(i, MXG_NONE);
        s.drop = 1;
        return s;
    }
};

/* An array of mxgrad.  Empty (false) when it is made without arguments or was moved from; every call of a
 * method of an empty one throws an error with the code MXG_ERR_HANDLE. */
class ndarray {
public:
    ndarray() noexcept {}

    /* A copy of numbers; of one axis if no shape is given.  The dtype is that of T. */
    template <class T>
    explicit ndarray(const std::vector<T> &data, const shape_t &shape, const char *context = nullptr)
    {
        static_assert(!std::is_same_v<T, bool>, "a std::vector<bool> has no memory to copy from");
        std::int64_t size = 1;
        for (std::int64_t n : shape)
            size *= n;
        if (size != static_cast<std::int64_t>(data.size()))
            throw error(MXG_ERR_VALUE, "ndarray: " + std::to_string(data.size()) + " numbers for a shape of "
                                           + std::to_string(size));
        check(mxg_ndarray_from_data(data.data(), dtype_of<T>(), static_cast<std::int32_t>(shape.size()),
                                    shape.data(), context, &handle_));
    }

    template <class T>
    explicit ndarray(const std::vector<T> &data) : ndarray(data, {static_cast<std::int64_t>(data.size())})
    {
    }

    /* float32 numbers, as in ndarray({1, 2, 3, 4}, {2, 2}). */
    explicit ndarray(std::initializer_list<float> data) : ndarray(std::vector<float>(data)) {}
    ndarray(std::initializer_list<float> data, const shape_t &shape)
        : ndarray(std::vector<float>(data), shape)
    {
    }

    ndarray(const ndarray &other)
    {
        if (other.handle_ != nullptr)
            check(mxg_ndarray_dup(other.handle_, &handle_));
    }
    ndarray(ndarray &&other) noexcept : handle_(other.release()) {}
    ndarray &operator=(ndarray other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~ndarray() { mxg_ndarray_free(handle_); }

    static ndarray zeros(const shape_t &shape, const char *dtype = nullptr, const char *context = nullptr)
    {
        return made(mxg_ndarray_zeros, shape, dtype, context);
    }
    static ndarray ones(const shape_t &shape, const char *dtype = nullptr, const char *context = nullptr)
    {
        return made(mxg_ndarray_ones, shape, dtype, context);
    }
    static ndarray full(const shape_t &shape, double number, const char *dtype = nullptr,
                        const char *context = nullptr)
    {
        ndarray a = zeros(shape, dtype, context);
        a.fill(number);
        return a;
    }

    /* Takes over a handle of mxgrad.h. */
    static ndarray adopt(mxg_ndarray handle) noexcept
    {
        ndarray a;
        a.handle_ = handle;
        return a;
    }
    /* The handle, still owned here; and the handle given away. */
    mxg_ndarray get() const noexcept { return handle_; }
    mxg_ndarray release() noexcept { return std::exchange(handle_, nullptr); }
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    shape_t shape() const
    {
        std::int32_t ndim = 0;
        shape_t sizes(32);
        check(mxg_ndarray_shape(handle_, 32, sizes.data(), &ndim));
        sizes.resize(static_cast<std::size_t>(ndim));
        return sizes;
    }
    std::int64_t size() const
    {
        std::int64_t n = 1;
        for (std::int64_t s : shape())
            n *= s;
        return n;
    }
    std::string dtype() const
    {
        const char *name = nullptr;
        check(mxg_ndarray_dtype(handle_, &name));
        return name;
    }
    std::string context() const
    {
        const char *name = nullptr;
        check(mxg_ndarray_context(handle_, &name));
        return name;
    }
    /* As Python prints it. */
    std::string text() const
    {
        return detail::text_of(
            [this](char *b, std::size_t c, std::size_t *n) { return mxg_ndarray_text(handle_, b, c, n); });
    }
    /* The number in an array with one element. */
    double item() const
    {
        double number = 0;
        check(mxg_ndarray_item(handle_, &number));
        return number;
    }
    /* The elements in C order, cast to T. */
    template <class T>
    std::vector<T> to_vector() const;

    /* a[i]; a part: a.part({slice(0, 2), slice::index(1)}).  Views where the layout allows. */
    ndarray operator[](std::int64_t i) const
    {
        ndarray out;
        check(mxg_ndarray_at(handle_, i, &out.handle_));
        return out;
    }
    ndarray part(const std::vector<slice> &slices) const
    {
        ndarray out;
        columns c(slices);
        check(mxg_ndarray_slice(handle_, c.n, c.begin.data(), c.end.data(), c.step.data(), c.drop.data(),
                                &out.handle_));
        return out;
    }
    /* Writes into all elements, or into a part. */
    void fill(double number) { check(mxg_ndarray_assign_scalar(handle_, number)); }
    void assign(const ndarray &a) { check(mxg_ndarray_assign(handle_, a.handle_)); }
    void assign(const std::vector<slice> &slices, const ndarray &a)
    {
        columns c(slices);
        check(mxg_ndarray_assign_slice(handle_, c.n, c.begin.data(), c.end.data(), c.step.data(),
                                       c.drop.data(), a.handle_));
    }

    ndarray reshape(const shape_t &shape) const;
    ndarray astype(const std::string &dtype) const;
    ndarray as_in_context(const std::string &context) const
    {
        ndarray out;
        check(mxg_ndarray_as_in_context(handle_, context.c_str(), &out.handle_));
        return out;
    }

    /* Differentiation: see mxg_attach_grad, mxg_grad, mxg_detach, mxg_backward. */
    void attach_grad(const char *grad_req = "write") { check(mxg_attach_grad(handle_, grad_req)); }
    /* Empty if no gradient is attached. */
    ndarray grad() const
    {
        ndarray out;
        check(mxg_grad(handle_, &out.handle_));
        return out;
    }
    ndarray detach() const
    {
        ndarray out;
        check(mxg_detach(handle_, &out.handle_));
        return out;
    }
    void backward(const ndarray &head_grad = ndarray(), bool retain = false, bool train = true) const
    {
        check(mxg_backward(1, &handle_, &head_grad.handle_, retain, train));
    }

    ndarray &operator+=(const ndarray &b) { return update("add", b); }
    ndarray &operator-=(const ndarray &b) { return update("subtract", b); }
    ndarray &operator*=(const ndarray &b) { return update("multiply", b); }
    ndarray &operator/=(const ndarray &b) { return update("divide", b); }
    ndarray &operator+=(double b) { return update("add", like_this(b)); }
    ndarray &operator-=(double b) { return update("subtract", like_this(b)); }
    ndarray &operator*=(double b) { return update("multiply", like_this(b)); }
    ndarray &operator/=(double b) { return update("divide", like_this(b)); }

    /* A method of Python's array: a.call("sum", kw("axis", 1)). */
    template <class... Args>
    value call(const std::string &method, Args &&...args) const;

private:
    struct columns { /* slices as mxg_ndarray_slice takes them */
        explicit columns(const std::vector<slice> &slices) : n(static_cast<std::int32_t>(slices.size()))
        {
            for (const slice &s : slices) {
                begin.push_back(s.begin);
                end.push_back(s.end);
                step.push_back(s.step);
                drop.push_back(s.drop);
            }
        }
        std::int32_t n;
        shape_t begin, end, step;
        std::vector<std::int32_t> drop;
    };

    template <class F>
    static ndarray made(F make, const shape_t &shape, const char *dtype, const char *context)
    {
        ndarray out;
        check(make(dtype, static_cast<std::int32_t>(shape.size()), shape.data(), context, &out.handle_));
        return out;
    }
    ndarray like_this(double number) const
    {
        ndarray out;
        check(mxg_ndarray_scalar(number, dtype().c_str(), context().c_str(), &out.handle_));
        return out;
    }
    ndarray &update(const char *name, const ndarray &b);

    mxg_ndarray handle_ = nullptr;
};

inline std::ostream &operator<<(std::ostream &to, const ndarray &a) { return to << a.text(); }

/* ---- objects ------------------------------------------------------------------------------------------ */

/* Anything of mxgrad's that is no array: a block, a trainer, a class, ....  Empty like an ndarray. */
class object {
public:
    object() noexcept = default;
    object(const object &other)
    {
        if (other.handle_ != nullptr)
            check(mxg_object_dup(other.handle_, &handle_));
    }
    object(object &&other) noexcept : handle_(other.release()) {}
    object &operator=(object other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~object() { mxg_object_free(handle_); }

    static object adopt(mxg_object handle) noexcept
    {
        object o;
        o.handle_ = handle;
        return o;
    }
    mxg_object get() const noexcept { return handle_; }
    mxg_object release() noexcept { return std::exchange(handle_, nullptr); }
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /* o.call("method", arguments..., kw("name", value)...); o(arguments...) calls the object itself. */
    template <class... Args>
    value call(const std::string &method, Args &&...args) const;
    template <class... Args>
    value operator()(Args &&...args) const;

    /* Attributes and entries. */
    value attr(const std::string &name) const;
    void set(const std::string &name, const value &v) const;
    value operator[](const value &key) const;
    void set_item(const value &key, const value &v) const;
    std::int64_t size() const;

    /* for (value batch : loader) .... */
    class iterator;
    iterator begin() const;
    std::nullptr_t end() const noexcept { return nullptr; }

    /* Whether it is an instance of the class that the package has under this name, as "gluon.Block". */
    bool is_a(const std::string &name) const
    {
        int yes = 0;
        check(mxg_object_is_a(handle_, name.c_str(), &yes));
        return yes != 0;
    }
    std::string class_name() const
    {
        const char *name = nullptr;
        check(mxg_object_class(handle_, &name));
        return name;
    }
    std::string text() const
    {
        return detail::text_of(
            [this](char *b, std::size_t c, std::size_t *n) { return mxg_object_text(handle_, b, c, n); });
    }
    /* Whether two are the same thing. */
    bool is(const object &other) const
    {
        std::int64_t mine = 0, its = 0;
        check(mxg_object_id(handle_, &mine));
        check(mxg_object_id(other.handle_, &its));
        return mine == its;
    }

private:
    mxg_object handle_ = nullptr;
};

inline std::ostream &operator<<(std::ostream &to, const object &o) { return to << o.text(); }

/* ---- values ------------------------------------------------------------------------------------------- */

/* A string of bytes that is no text. */
struct bytes {
    std::string data;
};

/* What goes into a call and comes out of it: nothing, a bool, an integer, a double, text, bytes, an ndarray,
 * an object, a list, a dict, or a function.  It is made of these without a word; as<T>() gives it back, and
 * throws an error with the code MXG_ERR_TYPE where it holds something else. */
class value {
public:
    /* A lambda as mxgrad sees it: (list of arguments, dict of those with names) -> value. */
    using function = std::function<value(const list &, const dict &)>;

    value() noexcept = default;
    value(std::nullptr_t) noexcept {}
    value(bool b) noexcept : held_(b) {}
    template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
    value(T n) noexcept : held_(static_cast<std::int64_t>(n))
    {
    }
    value(double d) noexcept : held_(d) {}
    value(float d) noexcept : held_(static_cast<double>(d)) {}
    value(const char *text) : held_(std::string(text)) {}
    value(std::string text) noexcept : held_(std::move(text)) {}
    value(bytes b) noexcept : held_(std::move(b)) {}
    value(ndarray a) noexcept : held_(std::move(a)) {}
    value(object o) noexcept : held_(std::move(o)) {}
    value(list l) noexcept : held_(std::move(l)) {}
    value(dict d) noexcept : held_(std::move(d)) {}
    template <class T,
              std::enable_if_t<std::is_convertible_v<T, value> && !std::is_same_v<T, value>, int> = 0>
    value(const std::vector<T> &v) : held_(list(v.begin(), v.end()))
    {
    }
    /* A callable of (const list &, const dict &) or of (const list &). */
    template <class F,
              std::enable_if_t<std::is_invocable_r_v<value, F &, const list &, const dict &>, int> = 0>
    value(F f) : held_(std::make_shared<function>(std::move(f)))
    {
    }
    template <class F, std::enable_if_t<std::is_invocable_r_v<value, F &, const list &>, int> = 0>
    value(F f)
        : held_(std::make_shared<function>(
              [f = std::move(f)](const list &args, const dict &) mutable -> value { return f(args); }))
    {
    }

    bool is_none() const noexcept { return std::holds_alternative<std::monostate>(held_); }
    /* Whether it holds a T: bool, std::int64_t, double, std::string, bytes, ndarray, object, list, dict. */
    template <class T>
    bool is() const noexcept
    {
        return std::holds_alternative<T>(held_);
    }
    /* What it holds; a number as any type of number, a list as a std::vector<T>. */
    template <class T>
    T as() const
    {
        return as_(static_cast<T *>(nullptr));
    }
    operator ndarray() const { return as<ndarray>(); }
    operator object() const { return as<object>(); }

    /* As a parameter of an operator is written. */
    std::string text() const
    {
        return std::visit([](const auto &x) { return written(x); }, held_);
    }

    /* Takes what a value of mxgrad.h holds, and leaves it empty. */
    static value take(mxg_value &from)
    {
        std::unique_ptr<mxg_value, int (*)(mxg_value *)> cleared(&from, mxg_value_clear);
        return read(from);
    }
    /* A copy of what a value of mxgrad.h holds. */
    static value copy(const mxg_value &from) { return read(from); }

    /* Writes a value that the receiver clears: what a callback gives. */
    void give(mxg_value *to) const
    {
        std::visit([to](const auto &x) { give_(x, to); }, held_);
    }

    /* The values of one call in the form of mxgrad.h; they borrow what the values here hold. */
    class lender {
    public:
        mxg_value lend(const value &v)
        {
            return std::visit([this](const auto &x) { return lend_(x); }, v.held_);
        }
        mxg_value lend(const std::vector<std::pair<std::string, value>> &named)
        {
            std::vector<mxg_value> &flat = flats_.emplace_back();
            for (const auto &[name, v] : named) {
                flat.push_back(lend_(name));
                mxg_value lent = lend(v);
                flat.push_back(lent);
            }
            return many(MXG_IS_DICT, flat);
        }

    private:
        static mxg_value simple(int kind, std::int64_t number = 0, double real = 0, const void *at = nullptr)
        {
            return {kind, 0, number, real, at};
        }
        static mxg_value many(int kind, const std::vector<mxg_value> &flat)
        {
            return {kind, static_cast<std::int32_t>(flat.size()), 0, 0.0, flat.data()};
        }
        mxg_value lend_(std::monostate) { return simple(MXG_IS_NONE); }
        mxg_value lend_(bool b) { return simple(MXG_IS_BOOL, b); }
        mxg_value lend_(std::int64_t n) { return simple(MXG_IS_INT, n); }
        mxg_value lend_(double d) { return simple(MXG_IS_DOUBLE, 0, d); }
        mxg_value lend_(const std::string &s)
        {
            return {MXG_IS_STRING, static_cast<std::int32_t>(s.size()), 0, 0.0, s.data()};
        }
        mxg_value lend_(const bytes &b)
        {
            return {MXG_IS_BYTES, static_cast<std::int32_t>(b.data.size()), 0, 0.0, b.data.data()};
        }
        mxg_value lend_(const ndarray &a) { return simple(MXG_IS_NDARRAY, 0, 0, a.get()); }
        mxg_value lend_(const object &o) { return simple(MXG_IS_OBJECT, 0, 0, o.get()); }
        mxg_value lend_(const list &l)
        {
            std::vector<mxg_value> flat;
            for (const value &v : l)
                flat.push_back(lend(v));
            return many(MXG_IS_LIST, flats_.emplace_back(std::move(flat)));
        }
        mxg_value lend_(const dict &d)
        {
            std::vector<mxg_value> flat;
            for (const auto &[key, v] : d) {
                flat.push_back(lend(key));
                flat.push_back(lend(v));
            }
            return many(MXG_IS_DICT, flats_.emplace_back(std::move(flat)));
        }
        mxg_value lend_(const std::shared_ptr<function> &f)
        {
            /* mxgrad deletes what `ctx` points to, also when the call fails */
            mxg_callable &c = callables_.emplace_back();
            c.function = run;
            c.ctx = new std::shared_ptr<function>(f);
            c.del = [](void *ctx) { delete static_cast<std::shared_ptr<function> *>(ctx); };
            return simple(MXG_IS_CALLABLE, 0, 0, &c);
        }

        std::deque<std::vector<mxg_value>> flats_; /* growing it moves no element */
        std::deque<mxg_callable> callables_;
    };

private:
    using held = std::variant<std::monostate, bool, std::int64_t, double, std::string, bytes, ndarray, object,
                              list, dict, std::shared_ptr<function>>;

    static value read(const mxg_value &from)
    {
        const auto *items = static_cast<const mxg_value *>(from.at);
        const auto *text = static_cast<const char *>(from.at);
        const auto n = static_cast<std::size_t>(from.count);
        switch (from.kind) {
        case MXG_IS_NONE:
            return {};
        case MXG_IS_BOOL:
            return from.number != 0;
        case MXG_IS_INT:
            return from.number;
        case MXG_IS_DOUBLE:
            return from.real;
        case MXG_IS_STRING:
            return std::string(text, n);
        case MXG_IS_BYTES:
            return bytes{n == 0 ? std::string() : std::string(text, n)};
        case MXG_IS_NDARRAY: {
            mxg_ndarray a = nullptr;
            check(mxg_ndarray_dup(static_cast<mxg_ndarray>(const_cast<void *>(from.at)), &a));
            return ndarray::adopt(a);
        }
        case MXG_IS_OBJECT: {
            mxg_object o = nullptr;
            check(mxg_object_dup(static_cast<mxg_object>(const_cast<void *>(from.at)), &o));
            return object::adopt(o);
        }
        case MXG_IS_LIST: {
            list l;
            for (std::size_t i = 0; i < n; i++)
                l.push_back(read(items[i]));
            return l;
        }
        case MXG_IS_DICT: {
            dict d;
            for (std::size_t i = 0; i + 1 < n; i += 2)
                d.emplace_back(read(items[i]), read(items[i + 1]));
            return d;
        }
        default:
            throw error(MXG_ERR_TYPE,
                        "value: a kind that mxgrad.hpp does not know: " + std::to_string(from.kind));
        }
    }

    /* What mxgrad calls for a function among the values. */
    static int run(void *ctx, std::int32_t n, const mxg_value *args, const mxg_value *named,
                   mxg_value *result)
    {
        return detail::guarded([&] {
            list positional;
            for (std::int32_t i = 0; i < n; i++)
                positional.push_back(read(args[i]));
            value by_name = read(*named);
            const function &f = **static_cast<std::shared_ptr<function> *>(ctx);
            f(positional, by_name.is_none() ? dict() : by_name.as<dict>()).give(result);
        });
    }

    static void give_(std::monostate, mxg_value *) {}
    static void give_(bool b, mxg_value *to) { *to = {MXG_IS_BOOL, 0, b, 0.0, nullptr}; }
    static void give_(std::int64_t n, mxg_value *to) { *to = {MXG_IS_INT, 0, n, 0.0, nullptr}; }
    static void give_(double d, mxg_value *to) { *to = {MXG_IS_DOUBLE, 0, 0, d, nullptr}; }
    static void give_(const std::string &s, mxg_value *to)
    {
        check(mxg_value_string(s.data(), static_cast<std::int32_t>(s.size()), to));
    }
    static void give_(const bytes &b, mxg_value *to)
    {
        check(mxg_value_bytes(b.data.data(), static_cast<std::int32_t>(b.data.size()), to));
    }
    static void give_(ndarray a, mxg_value *to) { *to = {MXG_IS_NDARRAY, 0, 0, 0.0, a.release()}; }
    static void give_(object o, mxg_value *to) { *to = {MXG_IS_OBJECT, 0, 0, 0.0, o.release()}; }
    static void give_(const list &l, mxg_value *to)
    {
        check(mxg_value_list(static_cast<std::int32_t>(l.size()), 0, to));
        for (std::size_t i = 0; i < l.size(); i++)
            l[i].give(static_cast<mxg_value *>(const_cast<void *>(to->at)) + i);
    }
    static void give_(const dict &d, mxg_value *to)
    {
        check(mxg_value_list(2 * static_cast<std::int32_t>(d.size()), 1, to));
        auto *flat = static_cast<mxg_value *>(const_cast<void *>(to->at));
        for (const auto &[key, v] : d) {
            key.give(flat++);
            v.give(flat++);
        }
    }
    static void give_(const std::shared_ptr<function> &, mxg_value *)
    {
        throw error(MXG_ERR_TYPE, "value: a lambda cannot give a lambda");
    }

    static std::string written(std::monostate) { return "None"; }
    static std::string written(bool b) { return b ? "True" : "False"; }
    static std::string written(std::int64_t n) { return std::to_string(n); }
    static std::string written(double d)
    {
        char text[32];
        std::snprintf(text, sizeof text, "%.17g", d);
        return text;
    }
    static std::string written(const std::string &s) { return s; }
    static std::string written(const ndarray &a) { return a.text(); }
    static std::string written(const object &o) { return o.text(); }
    static std::string written(const list &l)
    {
        std::string text = "(";
        for (const value &v : l)
            text += v.text() + ", ";
        if (l.size() > 1)
            text.resize(text.size() - 2);
        return text + ")";
    }
    static std::string written(const dict &d)
    {
        std::string text = "{";
        for (const auto &[key, v] : d)
            text += (text.size() > 1 ? ", " : "") + key.text() + ": " + v.text();
        return text + "}";
    }
    static std::string written(const bytes &b) { return "<" + std::to_string(b.data.size()) + " bytes>"; }
    static std::string written(const std::shared_ptr<function> &) { return "<function>"; }

    [[noreturn]] void wrong(const char *wanted) const
    {
        static const char *const NAMES[] = {
            "nothing", "a bool", "an integer", "a double", "text", "bytes",
            "an array", "an object", "a list", "a dict", "a function",
        };
        throw error(MXG_ERR_TYPE, std::string("value: ") + NAMES[held_.index()] + " is no " + wanted);
    }
    template <class T>
    const T &exactly(const char *wanted) const
    {
        if (const T *x = std::get_if<T>(&held_))
            return *x;
        wrong(wanted);
    }
    template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
    T as_(T *) const
    {
        if (const auto *b = std::get_if<bool>(&held_))
            return static_cast<T>(*b);
        if (const auto *n = std::get_if<std::int64_t>(&held_))
            return static_cast<T>(*n);
        if constexpr (std::is_floating_point_v<T>) {
            if (const auto *d = std::get_if<double>(&held_))
                return static_cast<T>(*d);
            wrong("number");
        } else
            wrong("integer");
    }
    std::string as_(std::string *) const { return exactly<std::string>("text"); }
    bytes as_(bytes *) const { return exactly<bytes>("bytes"); }
    ndarray as_(ndarray *) const { return exactly<ndarray>("array"); }
    object as_(object *) const { return exactly<object>("object"); }
    dict as_(dict *) const { return exactly<dict>("dict"); }
    value as_(value *) const { return *this; }
    template <class T>
    std::vector<T> as_(std::vector<T> *) const
    {
        std::vector<T> out;
        for (const value &v : exactly<list>("list"))
            out.push_back(v.as<T>());
        return out;
    }

    held held_;
};

inline std::ostream &operator<<(std::ostream &to, const value &v) { return to << v.text(); }

/* An argument by name, as in call("gluon.nn.Dense", 3, kw("activation", "relu")). */
struct kw {
    kw(std::string n, value v) : name(std::move(n)), given(std::move(v)) {}
    std::string name;
    value given;
};

namespace detail {

struct arguments {
    list positional;
    std::vector<std::pair<std::string, value>> named;

    void add(kw k) { named.emplace_back(std::move(k.name), std::move(k.given)); }
    void add(value v) { positional.push_back(std::move(v)); }

    template <class... Args>
    explicit arguments(Args &&...args)
    {
        (add(std::forward<Args>(args)), ...);
    }
};

inline value call(const mxg_value *target, const std::string &method, const arguments &given)
{
    value::lender lender;
    std::vector<mxg_value> args;
    for (const value &v : given.positional)
        args.push_back(lender.lend(v));
    mxg_value named = lender.lend(given.named), result = MXG_NEW_NONE;
    check(mxg_call(target, method.c_str(), static_cast<std::int32_t>(args.size()), args.data(), &named,
                   &result));
    return value::take(result);
}

} // namespace detail

/* Calls a public name of the package: call("gluon.nn.Dense", 3). */
template <class... Args>
value call(const std::string &name, Args &&...args)
{
    return detail::call(nullptr, name, detail::arguments(std::forward<Args>(args)...));
}

/* Calls a method: call(net, "initialize"). */
template <class... Args>
value call(const object &target, const std::string &method, Args &&...args)
{
    const mxg_value at = MXG_NEW_OBJECT(target.get());
    return detail::call(&at, method, detail::arguments(std::forward<Args>(args)...));
}

template <class... Args>
value call(const ndarray &target, const std::string &method, Args &&...args)
{
    const mxg_value at = MXG_NEW_NDARRAY(target.get());
    return detail::call(&at, method, detail::arguments(std::forward<Args>(args)...));
}

/* A public name of the package that is not called: a class, a constant. */
inline value get(const std::string &name)
{
    mxg_value result = MXG_NEW_NONE;
    check(mxg_get(nullptr, name.c_str(), &result));
    return value::take(result);
}

/* A class derived from `base`; each method gets the instance first: see mxg_subclass. */
inline object subclass(const object &base, const std::string &name,
                       const std::vector<std::pair<std::string, value>> &methods)
{
    value::lender lender;
    const mxg_value at = MXG_NEW_OBJECT(base.get()), functions = lender.lend(methods);
    mxg_value result = MXG_NEW_NONE;
    check(mxg_subclass(&at, name.c_str(), &functions, &result));
    return value::take(result);
}

template <class... Args>
value ndarray::call(const std::string &method, Args &&...args) const
{
    return mxgrad::call(*this, method, std::forward<Args>(args)...);
}

template <class... Args>
value object::call(const std::string &method, Args &&...args) const
{
    return mxgrad::call(*this, method, std::forward<Args>(args)...);
}

template <class... Args>
value object::operator()(Args &&...args) const
{
    return mxgrad::call(*this, "", std::forward<Args>(args)...);
}

inline value object::attr(const std::string &name) const
{
    const mxg_value at = MXG_NEW_OBJECT(handle_);
    mxg_value result = MXG_NEW_NONE;
    check(mxg_get(&at, name.c_str(), &result));
    return value::take(result);
}

inline void object::set(const std::string &name, const value &v) const
{
    value::lender lender;
    const mxg_value at = MXG_NEW_OBJECT(handle_), lent = lender.lend(v);
    check(mxg_set(&at, name.c_str(), &lent));
}

inline value object::operator[](const value &key) const
{
    value::lender lender;
    const mxg_value at = MXG_NEW_OBJECT(handle_), lent = lender.lend(key);
    mxg_value result = MXG_NEW_NONE;
    check(mxg_get_item(&at, &lent, &result));
    return value::take(result);
}

inline void object::set_item(const value &key, const value &v) const
{
    value::lender lender;
    const mxg_value at = MXG_NEW_OBJECT(handle_), where = lender.lend(key), lent = lender.lend(v);
    check(mxg_set_item(&at, &where, &lent));
}

inline std::int64_t object::size() const
{
    const mxg_value at = MXG_NEW_OBJECT(handle_);
    std::int64_t n = 0;
    check(mxg_length(&at, &n));
    return n;
}

/* Goes over the entries of an object once. */
class object::iterator {
public:
    explicit iterator(object i) : iterator_(std::move(i)) { ++*this; }
    const value &operator*() const noexcept { return current_; }
    iterator &operator++()
    {
        const mxg_value at = MXG_NEW_OBJECT(iterator_.get());
        mxg_value result = MXG_NEW_NONE;
        int more = 0;
        check(mxg_next(&at, &result, &more));
        more_ = more != 0;
        current_ = value::take(result);
        return *this;
    }
    bool operator!=(std::nullptr_t) const noexcept { return more_; }

private:
    object iterator_;
    value current_;
    bool more_ = false;
};

inline object::iterator object::begin() const
{
    const mxg_value at = MXG_NEW_OBJECT(handle_);
    mxg_value result = MXG_NEW_NONE;
    check(mxg_iterate(&at, &result));
    return iterator(value::take(result));
}

/* ---- operators ---------------------------------------------------------------------------------------- */

/* An operator by its name: op("softmax")(x, kw("axis", 0)).  Keep one to look its name up once. */
class op {
public:
    explicit op(const std::string &name) { check(mxg_op_find(name.c_str(), &op_)); }

    /* The result, of arrays and of parameters by name. */
    template <class... Args>
    ndarray operator()(const Args &...args) const
    {
        packed p;
        (p.add(args), ...);
        std::int32_t n = 1;
        mxg_ndarray out = nullptr;
        check(p.invoke(op_, &n, &out));
        return ndarray::adopt(out);
    }

    /* All results of an operator that may have several, at most 64; `in` may have any number of arrays. */
    template <class... Args>
    arrays all(const arrays &in, const Args &...named) const
    {
        packed p;
        for (const ndarray &a : in)
            p.add(a);
        (p.add(named), ...);
        std::int32_t n = 64;
        std::vector<mxg_ndarray> out(64);
        check(p.invoke(op_, &n, out.data()));
        arrays results;
        for (std::int32_t i = 0; i < n; i++)
            results.push_back(ndarray::adopt(out[static_cast<std::size_t>(i)]));
        return results;
    }

    ndarray with_number(const ndarray &a, double number, bool reversed = false) const
    {
        mxg_ndarray out = nullptr;
        check(mxg_invoke_scalar(op_, a.get(), number, reversed, &out));
        return ndarray::adopt(out);
    }

    mxg_op get() const noexcept { return op_; }

private:
    struct packed {
        std::vector<mxg_ndarray> in;
        std::deque<std::string> texts;
        std::vector<const char *> keys, values;

        void add(const ndarray &a) { in.push_back(a.get()); }
        void add(const kw &k)
        {
            keys.push_back(texts.emplace_back(k.name).c_str());
            values.push_back(texts.emplace_back(k.given.text()).c_str());
        }
        int invoke(mxg_op op, std::int32_t *n, mxg_ndarray *out) const
        {
            return mxg_invoke(op, static_cast<std::int32_t>(in.size()), in.data(),
                              static_cast<std::int32_t>(keys.size()), keys.data(), values.data(), n, out);
        }
    };

    mxg_op op_ = nullptr;
};

#define MXGRAD_BINARY_(symbol, name)                                                                \
    inline ndarray operator symbol(const ndarray &a, const ndarray &b)                              \
    {                                                                                               \
        static const op found(name);                                                                \
        mxg_ndarray out = nullptr;                                                                  \
        check(mxg_invoke2(found.get(), a.get(), b.get(), &out));                                    \
        return ndarray::adopt(out);                                                                 \
    }                                                                                               \
    inline ndarray operator symbol(const ndarray &a, double b)                                      \
    {                                                                                               \
        static const op found(name);                                                                \
        return found.with_number(a, b);                                                             \
    }                                                                                               \
    inline ndarray operator symbol(double a, const ndarray &b)                                      \
    {                                                                                               \
        static const op found(name);                                                                \
        return found.with_number(b, a, true);                                                       \
    }

/* Elementwise, with broadcasting; comparisons give 0 and 1. */
MXGRAD_BINARY_(+, "add")
MXGRAD_BINARY_(-, "subtract")
MXGRAD_BINARY_(*, "multiply")
MXGRAD_BINARY_(/, "divide")
MXGRAD_BINARY_(%, "modulo")
MXGRAD_BINARY_(==, "equal")
MXGRAD_BINARY_(!=, "not_equal")
MXGRAD_BINARY_(<, "lesser")
MXGRAD_BINARY_(<=, "lesser_equal")
MXGRAD_BINARY_(>, "greater")
MXGRAD_BINARY_(>=, "greater_equal")
#undef MXGRAD_BINARY_

inline ndarray operator-(const ndarray &a)
{
    static const op negative("negative");
    return negative(a);
}

inline ndarray ndarray::reshape(const shape_t &shape) const
{
    static const op reshape("reshape");
    return reshape(*this, kw("shape", shape));
}

inline ndarray ndarray::astype(const std::string &dtype) const
{
    static const op cast("cast");
    return cast(*this, kw("dtype", dtype));
}

inline ndarray &ndarray::update(const char *name, const ndarray &b)
{
    const mxg_ndarray in[2] = {handle_, b.handle_};
    check(mxg_invoke_into(op(name).get(), 2, in, 0, nullptr, nullptr, handle_));
    return *this;
}

template <class T>
std::vector<T> ndarray::to_vector() const
{
    static_assert(!std::is_same_v<T, bool>, "a std::vector<bool> has no memory to copy to");
    const ndarray same = dtype() == dtype_of<T>() ? *this : astype(dtype_of<T>());
    std::vector<T> out(static_cast<std::size_t>(size()));
    check(mxg_ndarray_copy_to(same.handle_, out.data(), out.size() * sizeof(T)));
    return out;
}

/* ---- differentiation ---------------------------------------------------------------------------------- */

/* Recording and training as in mxg_scope_begin, until the end of the block. */
class scope {
public:
    scope(int recording, int training) { check(mxg_scope_begin(recording, training, &token_)); }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;
    ~scope() { mxg_scope_end(token_); }

private:
    std::int64_t token_ = 0;
};

/* What the function gives, computed while recording; likewise not recording, and in the two modes. */
template <class F>
auto record(F &&f, bool train = true)
{
    scope s(1, train);
    return f();
}
template <class F>
auto pause(F &&f, bool train = false)
{
    scope s(0, train);
    return f();
}
template <class F>
auto train_mode(F &&f)
{
    scope s(-1, 1);
    return f();
}
template <class F>
auto predict_mode(F &&f)
{
    scope s(-1, 0);
    return f();
}

namespace detail {

inline std::vector<mxg_ndarray> handles(const arrays &given)
{
    std::vector<mxg_ndarray> out;
    for (const ndarray &a : given)
        out.push_back(a.get());
    return out;
}

inline arrays adopted(const std::vector<mxg_ndarray> &given)
{
    arrays out;
    for (mxg_ndarray a : given)
        out.push_back(ndarray::adopt(a));
    return out;
}

} // namespace detail

/* The gradients of the heads with respect to the variables: see mxg_grad_of. */
inline arrays grad(const arrays &heads, const arrays &variables, const arrays &head_grads = {},
                   bool create_graph = false, bool train = true)
{
    const auto h = detail::handles(heads), v = detail::handles(variables), g = detail::handles(head_grads);
    if (!g.empty() && g.size() != h.size())
        throw error(MXG_ERR_VALUE, "grad: " + std::to_string(g.size()) + " head gradients for "
                                       + std::to_string(h.size()) + " heads");
    std::vector<mxg_ndarray> out(v.size());
    check(mxg_grad_of(static_cast<std::int32_t>(h.size()), h.data(), g.empty() ? nullptr : g.data(),
                      static_cast<std::int32_t>(v.size()), v.data(), -1, create_graph, train, out.data()));
    return detail::adopted(out);
}

namespace detail {

/* What takes arrays and gives arrays, by a handle of its own. */
template <class Handle, int (*call)(Handle, std::int32_t, const mxg_ndarray *, std::int32_t, mxg_ndarray *),
          int (*release)(Handle)>
class callable {
public:
    callable(callable &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), outputs_(other.outputs_)
    {
    }
    callable &operator=(callable &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        std::swap(outputs_, other.outputs_);
        return *this;
    }

    /* The first output. */
    template <class... Args>
    ndarray operator()(const Args &...in) const
    {
        return std::move(all({in...}).front());
    }
    /* All outputs. */
    arrays all(const arrays &given) const
    {
        const auto in = handles(given);
        std::vector<mxg_ndarray> out(static_cast<std::size_t>(outputs_));
        check(call(handle_, static_cast<std::int32_t>(in.size()), in.data(), outputs_, out.data()));
        return adopted(out);
    }

protected:
    callable() = default;
    ~callable() { release(handle_); }

    Handle handle_ = nullptr;
    std::int32_t outputs_ = 0;
};

} // namespace detail

/* A differentiable function of two lambdas, for instance y = exp(x):
 *
 *     function my_exp("my_exp",
 *         [](const arrays &in) {
 *             arrays y = {op("exp")(in[0])};
 *             function::save(y);
 *             return y;
 *         },
 *         [](const arrays &head_grads, const arrays &saved) { return arrays{head_grads[0] * saved[0]}; });
 *     ndarray y = my_exp(x);
 *
 * The second gives one gradient for each input; an empty ndarray means that none flows there. */
class function : public detail::callable<mxg_function, mxg_function_call, mxg_function_free> {
public:
    using forward_t = std::function<arrays(const arrays &)>;
    using backward_t = std::function<arrays(const arrays &, const arrays &)>;

    /* `outputs` is how many arrays forward gives. */
    function(const std::string &name, forward_t forward, backward_t backward, std::int32_t outputs = 1)
    {
        outputs_ = outputs;
        auto both = std::make_unique<lambdas>(lambdas{std::move(forward), std::move(backward), outputs});
        check(mxg_function_new(name.c_str(), run_forward, run_backward, both.get(),
                               [](void *ctx) { delete static_cast<lambdas *>(ctx); }, &handle_));
        both.release();
    }

    /* In forward: keeps arrays for backward. */
    static void save(const arrays &kept)
    {
        const auto in = detail::handles(kept);
        check(mxg_save_for_backward(static_cast<std::int32_t>(in.size()), in.data()));
    }

private:
    struct lambdas {
        forward_t forward;
        backward_t backward;
        std::int32_t outputs;
    };

    static arrays borrowed(std::int32_t n, const mxg_ndarray *in)
    {
        arrays out;
        for (std::int32_t i = 0; i < n; i++) {
            mxg_ndarray mine = nullptr;
            check(mxg_ndarray_dup(in[i], &mine));
            out.push_back(ndarray::adopt(mine));
        }
        return out;
    }
    static void give(arrays found, std::int32_t n, mxg_ndarray *out, const char *what)
    {
        if (found.size() != static_cast<std::size_t>(n))
            throw error(MXG_ERR_VALUE, std::string("function: ") + what + " gave "
                                           + std::to_string(found.size()) + " arrays, not "
                                           + std::to_string(n));
        for (ndarray &a : found)
            *out++ = a.release();
    }
    static int run_forward(void *ctx, std::int32_t n_in, const mxg_ndarray *in, std::int32_t n_out,
                           mxg_ndarray *out)
    {
        return detail::guarded([&] {
            give(static_cast<lambdas *>(ctx)->forward(borrowed(n_in, in)), n_out, out, "forward");
        });
    }
    static int run_backward(void *ctx, std::int32_t n_in, const mxg_ndarray *in, std::int32_t n_out,
                            mxg_ndarray *out)
    {
        return detail::guarded([&] {
            const auto *both = static_cast<lambdas *>(ctx);
            const arrays heads = borrowed(both->outputs, in);
            const arrays saved = borrowed(n_in - both->outputs, in + both->outputs);
            give(both->backward(heads, saved), n_out, out, "backward");
        });
    }
};

/* A lambda that is called once, recorded, and then run by one call each: see mxg_program_begin.
 *
 *     program layer({x}, [&] { return arrays{op("tanh")(op("dot")(x, w) + b)}; });
 *     ndarray y = layer(batch); // of the shape and dtype of x
 */
class program : public detail::callable<mxg_program, mxg_program_run, mxg_program_free> {
public:
    template <class F>
    program(const arrays &arguments, F &&f)
    {
        const auto in = detail::handles(arguments);
        check(mxg_program_begin(static_cast<std::int32_t>(in.size()), in.data()));
        try {
            const arrays found = f();
            const auto out = detail::handles(found);
            outputs_ = static_cast<std::int32_t>(out.size());
            check(mxg_program_end(outputs_, out.data(), &handle_));
        } catch (...) {
            mxg_program_end(0, nullptr, nullptr);
            throw;
        }
    }
};

} // namespace mxgrad

#endif
