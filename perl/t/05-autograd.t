# Recording, modes, backward, grad, in-place rules.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd autograd);

sub variable {
    my ($values, @options) = @_;
    return nd->array($values)->attach_grad(@options);
}

subtest 'scopes' => sub {
    my @flags = sub { return (autograd->is_recording, autograd->is_training) };
    my $flags = sub { return join ' ', autograd->is_recording, autograd->is_training };
    is($flags->(), '0 0', 'at first');
    autograd->record(sub {
        is($flags->(), '1 1', 'record');
        autograd->pause(sub { is($flags->(), '0 0', 'pause') });
        autograd->pause(sub { is($flags->(), '0 1', 'pause, train_mode => 1') }, train_mode => 1);
        autograd->predict_mode(sub { is($flags->(), '1 0', 'predict_mode') });
        is($flags->(), '1 1', 'after the inner ones');
    });
    is($flags->(), '0 0', 'after record');
    autograd->record(sub { is($flags->(), '1 0', 'record, train_mode => 0') }, train_mode => 0);
    autograd->train_mode(sub {
        is($flags->(), '0 1', 'train_mode');
        autograd->record(sub { is($flags->(), '1 1', 'train_mode => undef leaves it on') },
            train_mode => undef);
    });
    autograd->record(sub { is($flags->(), '1 0', 'train_mode => undef leaves it off') }, train_mode => undef);
    is(autograd->set_is_recording(1), 0, 'set_is_recording gives what was');
    is(autograd->set_is_recording(0), 1, '... each time');
    is(autograd->set_is_training(1),  0, 'set_is_training');
    is(autograd->set_is_training(0),  1, '... back');

    is(autograd->record(sub { 7 }), 7, 'the value of the block');
    is_deeply([autograd->record(sub { (1, 2, 3) })], [1, 2, 3], 'its list');
    is(scalar(autograd->record(sub { wantarray ? 'list' : 'scalar' })), 'scalar', 'its context');

    for (1 .. 2) {
        no warnings 'exiting';
        autograd->record(sub { next });
    }
    is($flags->(), '0 0', 'left by next');
    ok(!eval { autograd->record(sub { die "plain\n" }); 1 }, 'left by die');
    is($@, "plain\n", '... with its text');
    is($flags->(), '0 0', '... and the flags restored');
    my $object = bless {}, 'My::Exception';
    ok(!eval { autograd->record(sub { autograd->pause(sub { die $object }) }); 1 }, 'left by an object');
    is($@, $object, '... the very object');
    is($flags->(), '0 0', '... and the flags restored');
    throws(sub { autograd->pause(sub { }, mode => 1) }, 'TypeError', qr/unexpected .*'mode'/, 'option');
    throws(sub { autograd->record(7) }, 'InvalidTypeError', qr/must be a sub/, 'no block');
};

subtest 'backward' => sub {
    my $x = variable([[1, 2], [3, 4]]);
    values_are($x->grad, [[0, 0], [0, 0]], 'zeros at first');
    is(nd->ones([1])->grad, undef, 'no gradient before attach_grad');
    my $y = autograd->record(sub { 2 * $x * $x });
    $y->backward;
    values_are($x->grad, [[4, 8], [12, 16]], 'heads of ones');
    autograd->record(sub { $y = 2 * $x * $x });
    $y->backward(out_grad => nd->array([[10, 1], [0.1, 0.01]]));
    values_are($x->grad, [[40, 8], [1.2, 0.16]], 'out_grad');
    autograd->record(sub { $y = 2 * $x * $x });
    $y->backward([[1, 0], [0, 0]], retain_graph => 1);
    values_are($x->grad, [[4, 0], [0, 0]], 'out_grad by position, a list');
    $y->backward;
    values_are($x->grad, [[4, 8], [12, 16]], 'again, with retain_graph');
    throws(sub { $y->backward }, 'AutogradError', qr/record\(\).*retain_graph=True/s, 'but not once more');
    throws(sub { nd->ones([2])->backward }, 'AutogradError', qr/Cannot differentiate node .*record\(\)/,
        'nothing recorded');
    throws(sub { $y->backward(out_grads => 1) }, 'TypeError', qr/unexpected .*'out_grads'/,
        'an unknown option');

    autograd->record(sub { $y = ($x * $x)->sum });
    throws(sub { $y->backward(nd->ones([3])) }, '\w+', qr/./, 'a head gradient of another shape');

    my $sum = variable([1, 2], grad_req => 'add');
    for (1 .. 3) {
        autograd->record(sub { $sum * $sum })->backward;
    }
    values_are($sum->grad, [6, 12], "grad_req 'add'");
    $sum->grad .= 0;
    values_are($sum->grad, [0, 0], 'the gradient can be set');
    my $none = variable([1, 2], 'null');
    my $both = autograd->record(sub { ($none * $x->at(0))->sum });
    $both->backward;
    values_are($none->grad, [0, 0], "grad_req 'null'");
    throws(sub { nd->ones([1])->attach_grad('sometimes') }, '\w+', qr/grad_req/, 'an unknown grad_req');
    throws(sub { nd->ones([1])->attach_grad(stype => 'csr') }, 'InvalidValueError', qr/csr/,
        'a storage type');

    my ($p, $q) = (variable([3]), variable([4]));
    my @heads = @{ autograd->record(sub { [$p * $q, $q * $q] }) };
    autograd->backward(\@heads, head_grads => [undef, nd->array([2])]);
    values_are($p->grad, [4],  'two heads: the first variable');
    values_are($q->grad, [19], '... the second');
    autograd->compute_gradient(autograd->record(sub { [$p * $q] }));
    values_are($p->grad, [4], 'compute_gradient');
    throws(sub { autograd->backward([$p], head_grads => [undef, undef]) }, 'InvalidValueError',
        qr/same length: 1 and 2/, 'lengths');
    throws(sub { autograd->backward('word') }, 'NotAnArrayError', qr/'word'/, 'a word for a head');

    my $w = variable([5]);
    autograd->record(sub { $w * $w })->backward;
    $w -= 0.1 * $w->grad;
    values_are($w, [4], 'an update in place');
    values_are($w->grad, [10], '... keeps the gradient');
    autograd->record(sub { $w * $w })->backward;
    values_are($w->grad, [8], '... and the mark');
    is($w->drop_grad->grad, undef, 'drop_grad');
};

subtest 'what is recorded' => sub {
    my $x = variable([[1, 2], [3, 4]]);
    my %grad = (
        'slice'     => [sub { ($x->slice(0) * 3)->sum },            [[3, 3], [0, 0]]],
        'slice 2'   => [sub { ($x->slice('X', 1) * 3)->sum },       [[0, 3], [0, 3]]],
        'at'        => [sub { ($x->at(1) * $x->at(1))->sum },       [[0, 0], [6, 8]]],
        'rows'      => [sub { $x->[1][0] * 5 },                     [[0, 0], [5, 0]]],
        'points'    => [sub { ($x->slice([[0, 0], [1, 1]]))->sum }, [[0, 2], [0, 0]]],
        'reshape'   => [sub { ($x->reshape([4]) * nd->array([1, 2, 3, 4]))->sum }, [[1, 2], [3, 4]]],
        'T'         => [sub { ($x->T * nd->array([[1, 2], [3, 4]]))->sum }, [[1, 3], [2, 4]]],
        'array'     => [sub { nd->array($x) * 2 },                  [[2, 2], [2, 2]]],
        'copy'      => [sub { $x->copy * 2 },                       [[2, 2], [2, 2]]],
        'astype'    => [sub { $x->astype('float64') * 2 },          [[2, 2], [2, 2]]],
        'context'   => [sub { $x->as_in_context(mx->cpu) * 2 },     [[2, 2], [2, 2]]],
        'list'      => [sub { $x * [[1, 2], [3, 4]] },              [[1, 2], [3, 4]]],
        'reversed'  => [sub { 12 / $x },                            [[-12, -3], [-12 / 9, -0.75]]],
        'detach'    => [sub { $x * $x->detach },                    [[1, 2], [3, 4]]],
        'pause'     => [sub { my $c = autograd->pause(sub { $x * 1 }); $x * $c }, [[1, 2], [3, 4]]],
        'into part' => [sub { my $z = nd->zeros([2, 2]); $z->slice(0) .= $x->slice(1) * 2; $z * 3 },
            [[0, 0], [6, 6]]],
        'into at'   => [sub { my $z = nd->zeros([2, 2]); $z->at($_) .= $x->at(1 - $_) * ($_ + 1) for 0,
            1; $z }, [[2, 2], [1, 1]]],
        'into all'  => [sub { my $z = nd->zeros([2, 2]); $z .= $x * $x; $z }, [[2, 4], [6, 8]]],
        'part *='   => [sub { my $z = nd->ones([2,
            2]); $z->at(0) .= $x->at(0); $z->at(0) *= $x->at(1); $z }, [[3, 4], [1, 2]]],
    );
    for my $name (sort keys %grad) {
        my ($code, $expected) = @{ $grad{$name} };
        eval { autograd->record($code)->backward; 1 } or diag $@;
        values_are($x->grad, $expected, $name);
    }
    autograd->record(sub { $x->sum * nd->array($x->aslist) })->backward;
    values_are($x->grad, [[10, 10], [10, 10]], 'a way through Perl is a constant');
};

subtest 'writes that would spoil a gradient' => sub {
    my $x = variable([1, 2]);
    for my $write (
        ['+='   => sub { my $y = $x * 1; $y += 1 }],
        ['x +=' => sub { my $y = $x; $y += nd->ones([2]) }],
        ['.='   => sub { my $y = $x * 1; $y .= 3 }],
        ['part' => sub { my $y = $x * 1; $y->at(0) .= 3 }],
        ['out'  => sub { my $y = $x * 1; nd->exp($x, out => $y) }],
    ) {
        my ($name, $code) = @$write;
        ok(!eval { autograd->record($code); 1 }, "$name is refused");
        like($@, qr/\AInplaceError: .*in-?place.* at \Q$0\E line \d+\.\n\z/is, '... with a reason');
    }
    values_are($x, [1, 2], 'nothing was written');
    is(autograd->is_recording, 0, 'the flag is restored');
    my $y = autograd->record(sub { $x * $x });
    my $line = __LINE__ + 1;
    $x .= 10;
    ok(!eval { $y->backward; 1 }, 'a recorded value that was overwritten afterwards');
    like($@, qr/\AInplaceError: .*\Q$0\E:$line\b/s, '... names the line of the write');
};

subtest 'grad' => sub {
    my ($x, $y) = (variable([2]), variable([3]));
    my $z = autograd->record(sub { $x * $x * $y });
    my $one = autograd->grad($z, $x, retain_graph => 1);
    values_are($one, [12], 'one variable');
    my $list = autograd->grad([$z], [$x, $y], head_grads => [nd->array([2])]);
    values_are($list->[0], [24], 'a list: the first');
    values_are($list->[1], [8],  '... the second');
    values_are($x->grad, [0], 'attached gradients are left alone');
    my $cube = autograd->record(sub { $x * $x * $x });
    my $first = autograd->grad($cube, $x, create_graph => 1);
    my $second = autograd->grad($first, $x, create_graph => 1);
    my $third = autograd->grad($second, $x);
    values_are($first,  [12], 'first order');
    values_are($second, [12], 'second');
    values_are($third,  [6],  'third');
    throws(sub { autograd->grad($cube, []) }, 'EmptyVariablesError', qr/empty/, 'no variables');
    throws(sub { autograd->grad($cube, nd->ones([1])) }, '\w+', qr/gradient/, 'an unmarked variable');

    my $f = autograd->grad_and_loss(sub { my ($p, $q) = @_; return $p * $q });
    my ($grads, $loss) = $f->(nd->array([4]), nd->array([5]));
    values_are($loss, [20], 'grad_and_loss: the loss');
    values_are($grads->[0], [5], '... the gradients');
    values_are($grads->[1], [4], '... of all arguments');
    ($grads) = autograd->grad_and_loss(sub { $_[0] * $_[1] }, 1)->(nd->array([4]), nd->array([5]));
    is(scalar @$grads, 1, 'of one argument');
    values_are($grads->[0], [4], '... that one');
    throws(sub { $f->(1, 2) }, 'NotAnArrayError', qr/NDArray/, 'numbers');

    my ($v, $g) = (nd->array([3]), nd->zeros([1]));
    autograd->mark_variables([$v], [$g]);
    autograd->record(sub { $v * $v })->backward;
    values_are($g, [6], 'mark_variables');
    autograd->mark_variables([$v], [$g], grad_reqs => ['add']);
    autograd->record(sub { $v * $v })->backward;
    values_are($g, [12], '... with requests');
    throws(sub { autograd->mark_variables([$v], []) }, 'InvalidValueError', qr/1 variables, 0 gradients/,
        'lengths');

    my $symbol = autograd->get_symbol(autograd->record(sub { $x * $y + $x }));
    is(scalar @{ $symbol->list_arguments }, 2, 'get_symbol: arguments');
    like($symbol->tojson, qr/"nodes"/, '... as JSON');
    throws(sub { autograd->get_symbol(nd->ones([1])) }, '\w+', qr/record/, '... of nothing recorded');
};

subtest 'the line' => sub {
    my $x = variable([1]);
    my $y;
    autograd->record(sub {
        $y = $x * $x;
    });
    my $line = __LINE__ - 2;
    $y->backward;
    ok(!eval { $y->backward; 1 }, 'an error of the tape');
    like("$@", qr/\bat \Q$0\E line @{[__LINE__ - 1]}\.$/, '... at the line of the call');
    autograd->record(sub { $y = $x * $x });
    $x .= 3;
    eval { $y->backward };
    like("$@", qr/\Q$0\E:@{[__LINE__ - 3]}\b/, '... and names the line that recorded');
};

subtest 'programs' => sub {
    my $calls = 0;
    my $w = variable([2, 3]);
    my $squared = autograd->program(sub { my ($x) = @_; $calls++; return ($x * $w)**2 });
    for my $k (1 .. 3) {
        my $x = nd->array([$k, 1]);
        my $y = autograd->record(sub { $squared->($x) });
        $y->backward;
        values_are($y, [4 * $k * $k, 9], "run $k");
        values_are($w->grad, [4 * $k * $k, 6], '... and its gradient');
    }
    is($calls, 1, 'the sub was called once');
    my $looks = autograd->program(sub { my ($x) = @_; $x->sum->asscalar > 0 ? $x : -$x });
    eval { $looks->(nd->ones([2])) };
    like("$@", qr/cannot look at numbers.* at \Q$0\E line @{[__LINE__ - 2]}\.$/, 'numbers, at their line');
    eval { autograd->program(sub { die "no\n" })->(nd->ones([2])) };
    is($@, "no\n", 'a die arrives unchanged');
    values_are($squared->(nd->array([1, 1])), [4, 9], 'and all is as before');
};

subtest 'calculus' => sub {
    my $x = nd->array([1, 2]);
    my $square = sub { my ($x) = @_; return $x * $x };
    is_deeply(autograd->jacobian($square)->($x)->aslist, [[2, 0], [0, 4]], 'jacobian');
    my ($value, $gradient) = @{ autograd->value_and_grad(sub { $square->(@_)->sum })->($x) };
    values_are($value, [5], 'value_and_grad: the value');
    values_are($gradient, [2, 4], '... and the gradient');
    throws(sub { autograd->jacobain($square) }, 'UnknownNameError', qr/jacobain/, 'a wrong name');
};

subtest 'the line that an operator is recorded at' => sub {
    my $square = mx->gluon->nn->HybridLambda('square');
    my @forms = (
        ['operator',          __LINE__, sub { $_[0] * $_[0] }],
        ['a broadcasting one', __LINE__, sub { nd->ones([2, 2]) * $_[0] * $_[0] }],
        ['method',            __LINE__, sub { $_[0]->square }],
        ['function',          __LINE__, sub { nd->square($_[0]) }],
        ['block',             __LINE__, sub { $square->($_[0]) }],
        ['call',              __LINE__, sub { $square->call($_[0]) }],
        ['its method',        __LINE__, sub { $square->forward($_[0]) }],
        ['... once known',    __LINE__, sub { $square->forward($_[0]) }],
    );
    for my $form (@forms) {
        my ($name, $line, $code) = @$form;
        my $x = variable([1, 2]);
        my $y = autograd->record(sub { $code->($x) });
        $x += 1;
        throws(sub { $y->backward }, 'InplaceError', qr/recorded at \Q${\ __FILE__}\E:$line\b/, $name);
    }
};

done_testing;
