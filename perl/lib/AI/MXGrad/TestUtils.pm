package AI::MXGrad::TestUtils;
use strict;
use warnings;

use AI::MXGrad ();

1;
