/* check.hpp - what the tests of mxgrad.hpp share: a failed check throws where it stands. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <mxgrad.hpp>

#include <iostream>
#include <sstream>

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition))                                                                         \
            throw std::logic_error(__FILE__ ":" + std::to_string(__LINE__) + ": " #condition);    \
    } while (0)

/* The exception of type E that the call throws. */
template <class E, class F>
E thrown(F &&call)
{
    try {
        call();
    } catch (const E &e) {
        return e;
    }
    throw std::logic_error("nothing was thrown");
}

/* Runs the tests; afterwards every handle has to be given back. */
template <class... Tests>
int run(Tests... tests)
{
    try {
        (tests(), ...);
        std::int64_t live = -1;
        mxgrad::check(mxg_live(0, &live));
        CHECK(live == 0);
        return 0;
    } catch (const std::exception &e) {
        std::cerr << e.what() << "\n";
        return 1;
    }
}

#endif
