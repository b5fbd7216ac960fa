"""Print, as JSON, what nd's convolutions, poolings and normalisations give in MXNet 1.9.1.

    python-1.9 record_nd_conv.py >nd_conv_1.9.1.json

A case is ``expression | arrays | options``: the arrays are named with their shapes (m and v are moving
statistics, k has no gradient), the options are a dtype, or 'predict' for the other mode.  Recorded are the
results, the gradients by the arrays for head gradients that are not all one, and m and v afterwards; or the
name of the error.
"""
import json
import warnings

CASES = """
nd.Convolution(x,w,b,kernel=(2,),num_filter=3) | x=2,2,5 w=3,2,2 b=3
nd.Convolution(x,w,no_bias=True,kernel=3,stride=(2,),pad=(1,),num_filter=2) | x=1,2,6 w=2,2,3 | float64
nd.Convolution(x,w,no_bias=True,kernel=(2,),dilate=(2,),num_filter=1) | x=1,1,6 w=1,1,2 | float64
nd.Convolution(x,w,b,kernel=(3,2),stride=(2,1),pad=(1,1),num_filter=2) | x=2,2,4,4 w=2,2,3,2 b=2 | float64
nd.Convolution(x,w,b,kernel=(2,2),dilate=(2,1),num_filter=2) | x=1,1,4,4 w=2,1,2,2 b=2 | float64
nd.Convolution(x,w,b,kernel=(3,3),pad=(1,1),num_group=2,num_filter=4) | x=1,4,3,3 w=4,2,3,3 b=4 | float64
nd.Convolution(x,w,no_bias=True,kernel=(2,2),num_group=3,num_filter=3) | x=2,3,3,3 w=3,1,2,2 | float64
nd.Convolution(x,w,no_bias=True,kernel=(1,1),num_filter=3,layout='NCHW') | x=2,2,2,3 w=3,2,1,1 | float64
nd.Convolution(x,w,b,kernel=(2,2,2),stride=(1,2,1),pad=(0,1,0),num_filter=1) \
| x=1,2,2,3,3 w=1,2,2,2,2 b=1 | float64
nd.Convolution(x,w,kernel=(2,2),num_filter=3) | x=1,2,4,4 w=3,2,2,2
nd.Convolution(x,w,b,no_bias=True,kernel=(2,2),num_filter=3) | x=1,2,4,4 w=3,2,2,2 b=3
nd.Convolution(x,w,no_bias=True,kernel=(2,2),num_filter=3) | x=1,2,4,4 w=3,1,2,2
nd.Convolution(x,w,no_bias=True,kernel=(2,2),num_filter=4,num_group=2) | x=1,3,4,4 w=4,1,2,2
nd.Convolution(x,w,no_bias=True,kernel=(5,5),num_filter=1) | x=1,1,4,4 w=1,1,5,5
nd.Convolution(x,w,no_bias=True,kernel=(2,2),num_filter=1) | x=1,4,4 w=1,1,2,2
nd.Convolution(x,w,no_bias=True,kernel=(2,2),stride=(0,1),num_filter=1) | x=1,1,4,4 w=1,1,2,2
nd.Convolution(x,w,no_bias=True,kernel=(2,2),num_filter=1,layout='NCX') | x=1,1,4,4 w=1,1,2,2
nd.Convolution(x,w,no_bias=True,kernel=(2,2),num_filter=1,layout='NCW') | x=1,1,4,4 w=1,1,2,2
nd.Deconvolution(x,w,kernel=(3,),stride=(2,),num_filter=2) | x=1,2,3 w=2,2,3 | float64
nd.Deconvolution(x,w,b,kernel=(3,2),stride=(2,2),pad=(1,0),adj=(1,0),num_filter=2,no_bias=False) \
| x=2,2,2,3 w=2,2,3,2 b=2 | float64
nd.Deconvolution(x,w,kernel=(2,2),dilate=(2,1),num_group=2,num_filter=4) | x=1,2,2,2 w=2,2,2,2 | float64
nd.Deconvolution(x,w,kernel=(3,3),stride=(2,2),target_shape=(6,5),num_filter=1) \
| x=1,1,3,3 w=1,1,3,3 | float64
nd.Deconvolution(x,w,kernel=(3,),stride=(2,),pad=(1,),adj=(1,),target_shape=(5,),num_filter=1) \
| x=1,1,3 w=1,1,3 | float64
nd.Deconvolution(x,w,kernel=(3,3),stride=(2,2),adj=(2,2),num_filter=1) | x=1,1,3,3 w=1,1,3,3
nd.Deconvolution(x,w,kernel=(3,3),stride=(2,2),target_shape=(8,8),num_filter=1) | x=1,1,3,3 w=1,1,3,3
nd.Pooling(x,kernel=(2,2)) | x=1,2,4,4
nd.Pooling(nd.floor(x),kernel=(2,2),stride=(2,2)) | x=1,2,4,4 | float64
nd.Pooling(x*0,kernel=(3,),stride=(1,)) | x=1,1,5
nd.Pooling(x,kernel=(3,2),stride=(2,2),pad=(1,1)) | x=2,1,5,4
nd.Pooling(x,kernel=(2,3),stride=(2,2),pad=(1,1),pooling_convention='full') | x=1,1,5,5 | float64
nd.Pooling(x,kernel=(2,),stride=(2,),pooling_convention='full') | x=1,2,5
nd.Pooling(x,kernel=(2,2,2),stride=(1,1,1)) | x=1,1,3,2,3
nd.Pooling(x,kernel=(2,3),stride=(2,2),pad=(1,1),pool_type='avg') | x=1,1,5,5
nd.Pooling(x,kernel=(2,3),stride=(2,2),pad=(1,1),pool_type='avg',count_include_pad=False) | x=1,1,5,5
nd.Pooling(x,kernel=(3,),stride=(2,),pad=(1,),pool_type='avg',pooling_convention='full') | x=1,1,6
nd.Pooling(x,kernel=(3,),stride=(2,),pad=(1,),pool_type='avg',pooling_convention='full',\
count_include_pad=False) | x=1,1,6
nd.Pooling(x,kernel=(2,3),stride=(2,2),pad=(1,1),pool_type='avg',pooling_convention='full') \
| x=1,1,5,5 | float64
nd.Pooling(x,kernel=(1,),stride=(4,),pool_type='avg',pooling_convention='full') | x=1,1,6
nd.Pooling(x,kernel=(2,2),stride=(1,2),pool_type='sum') | x=1,2,3,4
nd.Pooling(x,kernel=(2,),pool_type='lp',p_value=1) | x=1,1,5
nd.Pooling(x,kernel=(2,),pool_type='lp',p_value=2) | x=1,2,5
nd.Pooling(x*x,kernel=(2,2),stride=(2,2),pool_type='lp',p_value=3) | x=1,1,4,4
nd.Pooling(x*0,kernel=(2,),pool_type='lp',p_value=2) | x=1,1,4
nd.Pooling(x,global_pool=True) | x=2,2,2,3
nd.Pooling(x*0,global_pool=True) | x=1,1,2,2
nd.Pooling(x,kernel=(1,1),pad=(1,1),global_pool=True,pool_type='avg') | x=2,2,2,3
nd.Pooling(x,global_pool=True,pool_type='sum') | x=2,2,3
nd.Pooling(x,global_pool=True,pool_type='lp',p_value=2) | x=1,2,2,2,2
nd.Pooling(x,kernel=(2,2),stride=(2,2),layout='NHWC') | x=1,4,4,2
nd.Pooling(x,kernel=(2,),pool_type='avg',layout='NWC') | x=1,4,2
nd.Pooling(x,kernel=(2,2),layout='CHWN') | x=1,4,4,1
nd.Pooling(x,kernel=(5,5)) | x=1,1,4,4
nd.Pooling(x,kernel=(2,2),pad=(2,2)) | x=1,1,4,4
nd.Pooling(x,kernel=(2,2)) | x=1,4,4
nd.Pooling(x) | x=1,1,4,4
nd.Pooling(x,kernel=(2,),pool_type='least') | x=1,1,4
nd.Pooling(x,kernel=(2,),pool_type='lp') | x=1,1,4
nd.Pooling(x,kernel=(2,),pool_type='lp',p_value=4) | x=1,1,4
nd.Pooling(x,kernel=(2,),stride=(0,)) | x=1,1,4
nd.im2col(x,kernel=(2,2),stride=(1,2),dilate=(2,1),pad=(1,1)) | x=1,2,3,3
nd.col2im(x,output_size=(3,3),kernel=(2,2)) | x=1,8,4
nd.col2im(x,output_size=(4,3),kernel=(2,2),stride=(2,1),pad=(1,0)) | x=2,4,6
nd.col2im(x,output_size=(3,3),kernel=(2,2)) | x=1,8,5
nd.UpSampling(x,scale=2,sample_type='nearest') | x=1,2,2,3
nd.UpSampling(x,y,scale=2,sample_type='nearest',num_args=2) | x=1,1,2,2 y=1,2,1,1
nd.UpSampling(x,y,scale=2,sample_type='nearest',num_args=2,multi_input_mode='sum') | x=1,1,2,2 y=1,1,4,4
nd.UpSampling(x,w,scale=2,sample_type='bilinear',num_filter=2) | x=1,2,2,2 w=2,1,4,4
nd.UpSampling(x,w,scale=3,sample_type='bilinear',num_filter=1) | x=1,1,2,2 w=1,1,5,5
nd.UpSampling(x,scale=2,sample_type='nearest') | x=1,2,3
nd.UpSampling(x,scale=2,sample_type='neerest') | x=1,1,2,3
nd.UpSampling(x,scale=0,sample_type='nearest') | x=1,1,2,3
nd.UpSampling(x,y,scale=2,sample_type='nearest',num_args=2) | x=1,1,2,2 y=1,2,3,3
nd.BatchNorm(x,g,b,m,v) | x=3,2,2 g=2 b=2 m=2 v=2
nd.BatchNorm(x,g,b,m,v,fix_gamma=False,momentum=0.5,eps=0.01) | x=2,3,2,2 g=3 b=3 m=3 v=3
nd.BatchNorm(x,g,b,m,v,fix_gamma=False) | x=4,2 g=2 b=2 m=2 v=2 | float64
nd.BatchNorm(x,g,b,m,v,fix_gamma=False,axis=-1) | x=2,3,2 g=2 b=2 m=2 v=2 | float64
nd.BatchNorm(x,g,b,m,v,fix_gamma=False,use_global_stats=True) | x=3,2,2 g=2 b=2 m=2 v=2
nd.BatchNorm(x,g,b,m,v,use_global_stats=True) | x=3,2,2 g=2 b=2 m=2 v=2
nd.BatchNorm(x,g,b,m,v,fix_gamma=False) | x=3,2,2 g=2 b=2 m=2 v=2 | predict
nd.BatchNorm(x,g,b,m,v,fix_gamma=False,output_mean_var=True) | x=3,2,2 g=2 b=2 m=2 v=2
nd.BatchNorm(x,g,b,m,v,fix_gamma=False,output_mean_var=True) | x=3,2,2 g=2 b=2 m=2 v=2 | predict
nd.BatchNorm(x,g,b,m,v,axis=3) | x=3,2,2 g=2 b=2 m=2 v=2
nd.GroupNorm(x,g,b,num_groups=2) | x=2,4,3 g=2 b=2
nd.GroupNorm(x,g,b,num_groups=3,eps=0.1,output_mean_var=True) | x=2,3,2,2 g=3 b=3
nd.GroupNorm(x,g,b,num_groups=2) | x=2,4,3 g=4 b=4
nd.GroupNorm(x,g,b,num_groups=3) | x=2,4,3 g=3 b=3
nd.GroupNorm(x,g,b,num_groups=2) | x=2,4 g=2 b=2
nd.LRN(x,nsize=3) | x=1,4,2,1
nd.LRN(x,nsize=5,alpha=0.5,beta=0.6,knorm=1) | x=2,4,1,2
nd.Pooling(k,kernel=(2,)) | k=1,1,4 | int32
"""


def values(numpy, shape):
    """Numbers of both signs in no order, with few ties."""
    n = int(numpy.prod(shape))
    return ((numpy.arange(n) * 7 % 19 - 8.5) / 4).reshape(shape)


def run(case, nd, autograd, numpy):
    """The results of a case, the gradients, and the moving statistics afterwards."""
    expression, given, *options = (part.strip() for part in case.split("|"))
    dtype = options[0] if options and options[0] != "predict" else "float32"
    names = {"nd": nd}
    for item in given.split():
        name, shape = item.split("=")
        host = values(numpy, tuple(int(n) for n in shape.split(",")))
        names[name] = nd.array(numpy.abs(host) if name == "v" else host, dtype=dtype)
    marked = [n for n in names if n not in ("nd", "m", "v", "k")]
    for n in marked:
        names[n].attach_grad()
    with autograd.record(train_mode="predict" not in options):
        out = eval(expression, names)
        results = out if isinstance(out, list) else [out]
        # A product, as not every op of the original takes the head gradient of several outputs.
        head = results[0] * nd.array(values(numpy, results[0].shape)[..., ::-1].copy(), dtype=dtype)
    head.backward(train_mode="predict" not in options)
    nd.waitall()
    found = results + [names[n].grad for n in marked] + [names[n] for n in ("m", "v") if n in names]
    return [plain(a) for a in found]


def plain(array):
    """An array as dtype, shape and flat elements."""
    host = array.asnumpy()
    return {"dtype": host.dtype.name, "shape": list(host.shape),
            "flat": [float(f"{e:.7g}") for e in host.ravel()]}


if __name__ == "__main__":
    import numpy
    from mxnet import autograd, nd

    warnings.simplefilter("ignore")
    lines = []
    for case in CASES.strip().split("\n"):
        try:
            found = run(case, nd, autograd, numpy)
        except Exception as error:
            found = {"error": type(error).__name__}
        lines.append(json.dumps([case, found], separators=(",", ":")))
    print("[\n" + ",\n".join(lines) + "\n]")
