"""Print, as JSON, what functions of nd give in MXNet 1.9.1, for tests/nd_recorded.py to compare with.

    python-1.9 record_nd.py >nd_1.9.1.json

A case is its kind, an expression, and what it gave: arrays as dtype, shape and flat elements, an exception by
its name. "writes" are statements after which x, y and v are looked at; "gradients" give the value and the
gradients by arguments."""
import json
import warnings

VALUES = {
    "index": """
        x[0]; x[-1]; x[5]; x[-4]; x[1,2]; x[1,-1]; x[1,7]; x[:]; x[()]; x[...]; x[None]; x[:,None]
        x[...,None]; x[None,1]; x[1,None]; x[1,2,None]; x[1:3]; x[1:100]; x[-2:]; x[::-1]; x[::2,1:]
        x[::-2,::-1]; x[2:0:-1]; x[2:2]; x[3:]; x[:,1]; x[...,1]; x[1,...]; x[...,1,2]; x[[0,2]]; x[[0,-1]]
        x[[2,0],[1,3]]; x[[[0,1],[2,0]]]; x[nd.array([0,2])]; x[nd.array([0.9,2.1])]
        x[nd.array([0,2],dtype='int32')]; x[numpy.array([0,2])]; x[:,[1,3]]; x[[1,3],:]
        x[numpy.array([[0],[2]]),numpy.array([[1,3]])]; x[1,[0,2]]; x[[0,2],1]; x[[0,2],1:3]; x[None,[0,2]]
        x[...,[0,2]]; x[x>5]; x[nd.array([0,5])]; x[nd.array([0,-5])]; x[[0,5]]; x[1.5]; x['a']; x[True]
        x[[True,False,True]]; x[numpy.array([True,False,True])]; x[0,0,0]; x[...,...]; x[numpy.int64(1)]
        x[nd.array([1])]; x[slice(0,2)]; x[(0,2)]; x[range(2)]; x[1:2,2:3]; y[0]; y[0,1]; y[0,1,1]; y[:,1,:]
        y[[0,1],:,[1,0]]; y[[0,1],[1,0]]; y[:,[0,1],[1,0]]; y[0,[0,1],[1,0]]; y[...,0]; y[0,...,1]; y[[0],:,1]
        y[:,:,None,0]; y[nd.array([[0,1]]),nd.array([[1,0]])]; v[0]; v[-1]; v[3]; v[None]; v[...]; v[[2,0]]
        v[::-1]; v[1:][0]; v[:0]; nd.take(v,nd.array([5,-1,0])); nd.take(v,nd.array([5,-1,0]),mode='wrap')
        nd.take(v,nd.array([5,0]),mode='raise'); nd.take(v,nd.array([2,0]),mode='raise')
        nd.take(v,nd.array([1.9,0.2])); nd.take(x,nd.array([[0,1]]),axis=1)
        nd.take(x,nd.array([0],dtype='int32'),axis=-1); nd.take(x,nd.array([0]),axis=5)
        nd.take(v,v,mode='bogus'); nd.pick(x,nd.array([0,7,-1])); nd.pick(x,nd.array([0,-1,5]),mode='wrap')
        nd.pick(x,nd.array([0,1,0,2]),axis=0); nd.pick(x,nd.array([[0],[2],[1]]),axis=1,keepdims=True)
        nd.pick(x,nd.array([[0],[2],[1]]),axis=1); nd.pick(x,v,axis=1,keepdims=True); nd.pick(v,nd.array([1]))
        nd.pick(x,nd.array([0,1])); nd.pick(nd.array([[1,2]],dtype='int32'),nd.array([1]))
        nd.choose_element_0index(x,v); nd.fill_element_0index(x,nd.array([9,8,7]),nd.array([0,9,2]))
        nd.batch_take(x,nd.array([0,7,1],dtype='int32')); nd.gather_nd(x,nd.array([[1,0],[2,0]]))
        nd.gather_nd(x,nd.array([[1,0]])); nd.gather_nd(x,nd.array([0,1]))
        nd.gather_nd(x,nd.array([[-1,0],[-1,0]])); nd.gather_nd(x,nd.array([[5,0],[2,0]])); nd.gather_nd(v,x)
        nd.scatter_nd(v,nd.array([[1,1,0],[0,1,0]]),shape=(2,2)); nd.one_hot(nd.array([1,0,5,-1]),3)
        nd.one_hot(nd.array([1,0]),3,on_value=8,off_value=1,dtype='int32')
        nd.one_hot(nd.array([[1,0]],dtype='int32'),2); nd.one_hot(nd.array([1.7],dtype='float64'),2)
        nd.Embedding(nd.array([1,7,-1]),x,input_dim=3,output_dim=4)
        nd.Embedding(nd.array([1]),x,input_dim=5,output_dim=4); nd.Embedding(nd.array([[1,0],[0,1]]),x,3,4)
        nd.where(nd.array([1,0,2]),x,-x); nd.where(x>5,x,-x); nd.where(nd.array([1,0]),x,-x); nd.where(x,x,0)
        nd.ravel_multi_index(nd.array([[1,0],[2,1]]),shape=(2,3))
        nd.ravel_multi_index(nd.array([1,2]),shape=(2,3))
        nd.ravel_multi_index(nd.array([[1,0],[2,1]],dtype='int32'),shape=(-1,3))
        nd.unravel_index(v,shape=(2,3)); nd.unravel_index(nd.array([5,8],dtype='int64'),shape=(-1,3))
        nd.contrib.boolean_mask(x,nd.array([0,1,2])); nd.contrib.boolean_mask(x,nd.array([0,0,0]))
        nd.contrib.boolean_mask(x,nd.array([1])); nd.contrib.index_copy(x,nd.array([1]),nd.array([[7,8,9,6]]))
        nd.topk(x,k=2); nd.topk(x,k=2,ret_typ='value'); nd.topk(x,k=2,ret_typ='mask')
        nd.topk(x,k=2,ret_typ='both'); nd.topk(x,k=1,axis=0,is_ascend=True)
        nd.topk(x,k=2,axis=None,ret_typ='both'); nd.topk(x,k=0,ret_typ='both')
        nd.topk(x,k=2,axis=None,ret_typ='mask'); nd.topk(x,k=9); nd.topk(x,k=2,dtype='int32')
        nd.topk(v,k=1,ret_typ='x'); nd.topk(v.astype('float64'),k=1,ret_typ='both'); nd.sort(v)
        nd.sort(v,is_ascend=False); nd.sort(x,axis=None); nd.sort(x,axis=0,is_ascend=0); nd.argsort(v)
        nd.argsort(v,dtype='int32'); nd.argsort(ties,is_ascend=False); nd.argsort(ties)
        nd.argsort(x,axis=None,is_ascend=False); nd.argmax(x); nd.argmax(x,axis=1); nd.argmin(x,axis=0)
        nd.argmax(x,axis=1,keepdims=True); nd.argmax(x,keepdims=True); nd.argmax(ties.astype('int32'),axis=0)
        nd.argmax(x,axis=2); nd.argmax(ties.astype('float64'),axis=0); nd.argmax_channel(x)
        nd.argmax_channel(y); nd.argmax_channel(v)
    """,
    "linalg": """
        nd.dot(v,v); nd.dot(A,v); nd.dot(A,A,transpose_b=True); nd.dot(A,A); nd.dot(v,nd.ones((3,2)))
        nd.dot(nd.arange(24).reshape((2,3,4)),nd.arange(20).reshape((4,5)))
        nd.dot(nd.arange(24).reshape((4,2,3)),nd.arange(20).reshape((4,5)),transpose_a=True)
        nd.dot(nd.arange(24).reshape((2,3,4)),nd.arange(40).reshape((5,2,4)),transpose_b=True)
        nd.dot(nd.arange(24).reshape((4,3,2)),nd.arange(40).reshape((5,2,4)),transpose_a=True,transpose_b=True)
        nd.dot(S,nd.array([2])); nd.batch_dot(y,y); nd.batch_dot(y,y,transpose_a=True)
        nd.batch_dot(y,y,transpose_b=True)
        nd.batch_dot(nd.arange(24).reshape((2,1,3,4)),nd.arange(16).reshape((2,1,4,2))); nd.batch_dot(A,A)
        nd.batch_dot(nd.ones((1,2,2)),y); nd.diag(A); nd.diag(A,k=1); nd.diag(v,k=-1)
        nd.diag(y,axis1=-2,axis2=-1); nd.diag(nd.arange(24).reshape((2,3,4)),k=1,axis1=2,axis2=0)
        nd.khatri_rao(S,nd.array([[1,4],[2,5],[3,6]])); nd.khatri_rao(S,A); nd.linalg.potrf(S)
        nd.linalg.potrf(nd.array([[4,9],[1,3]])); nd.linalg.potrf(-S); nd.linalg.potrf(A); nd.linalg.potri(L)
        nd.linalg.trsm(L,B); nd.linalg.trsm(L,B,transpose=True,alpha=2); nd.linalg.trsm(L,B,rightside=True)
        nd.linalg.trsm(L,B,lower=False,rightside=True,transpose=True)
        nd.linalg.trsm(nd.array([[2,9],[0.5,2]]),B); nd.linalg.trmm(nd.array([[2,9],[0.5,2]]),B)
        nd.linalg.trmm(L,B,rightside=True,transpose=True,alpha=.5); nd.linalg.trmm(S,B,lower=False)
        nd.linalg.syrk(A); nd.linalg.syrk(A,transpose=True,alpha=2); nd.linalg.sumlogdiag(S)
        nd.linalg.sumlogdiag(nd.ones((2,3,3))*2); nd.linalg.det(S); nd.linalg.det(nd.ones((3,2,2)))
        nd.linalg.slogdet(S); nd.linalg.slogdet(nd.ones((2,2))); nd.linalg.inverse(S)
        nd.linalg.inverse(nd.ones((2,2))); nd.linalg.extractdiag(A); nd.linalg.extractdiag(S,offset=1)
        nd.linalg.makediag(v,offset=-1); nd.linalg.extracttrian(S); nd.linalg.extracttrian(C,offset=-1)
        nd.linalg.extracttrian(C,lower=False); nd.linalg.extracttrian(C,offset=1); nd.linalg.maketrian(v)
        nd.linalg.maketrian(nd.arange(6),lower=False); nd.linalg.maketrian(v,offset=-1)
        nd.linalg.maketrian(v,offset=1); nd.linalg.maketrian(nd.array([1,2])); nd.linalg.gelqf(A)
        nd.linalg.syevd(S); nd.linalg.gemm2(A,A)
        nd.linalg.gemm(A,A,nd.ones((2,2)),transpose_b=True,alpha=2,beta=10)
        nd.linalg.gemm2(A,A,transpose_a=True)
        nd.linalg.gemm2(nd.arange(24).reshape((3,2,4)),nd.arange(40).reshape((4,2,5)),axis=0)
        nd.linalg_gemm2(A,A,transpose_b=True); nd.linalg.gemm2(nd.ones((1,2,2)),y)
    """,
    "nn": """
        nd.softmax(A); nd.softmax(A,axis=0,temperature=2.0); nd.softmax(A,axis=2)
        nd.softmax(A,dtype='float64'); nd.softmax(A,nd.array([0,2],dtype='int32'),use_length=True,axis=1)
        nd.log_softmax(A,temperature=2.0)
        nd.softmax(A,nd.array([1,2,2],dtype='int32'),use_length=True,axis=0); nd.log_softmax(A,axis=0)
        nd.softmin(A); nd.softmin(A,temperature=.5); nd.softmax_cross_entropy(A,nd.array([2,0]))
        nd.softmax_cross_entropy(A,nd.array([[2,1]])); nd.SoftmaxOutput(A,nd.array([2,0]))
        nd.Softmax(A,nd.array([2,0])); nd.SoftmaxActivation(A); nd.SoftmaxActivation(y,mode='channel')
        nd.LinearRegressionOutput(A,A); nd.LogisticRegressionOutput(A,A); nd.MAERegressionOutput(A,A)
        nd.MakeLoss(v); nd.make_loss(v); nd.FullyConnected(A,nd.ones((2,3)),nd.array([1,2]),num_hidden=2)
        nd.FullyConnected(A,A,num_hidden=2,no_bias=True); nd.FullyConnected(A,nd.ones((2,3)),num_hidden=2)
        nd.FullyConnected(A,A,nd.array([1,2]),num_hidden=3)
        nd.FullyConnected(A,nd.ones((2,4)),nd.array([1,2]),num_hidden=2)
        nd.FullyConnected(A,A,nd.array([1,2]))
        nd.FullyConnected(y,nd.ones((2,4)),nd.array([1,2]),num_hidden=2)
        nd.FullyConnected(y,B,nd.array([1,2]),num_hidden=2,flatten=False)
        nd.FullyConnected(v,A,nd.array([1,2]),num_hidden=2)
        nd.FullyConnected(v,nd.ones((2,1)),nd.array([1,2]),2)
        nd.FullyConnected(v,A,nd.array([1,2]),num_hidden=2,flatten=False)
        nd.Activation(S-3,act_type='softrelu'); nd.Activation(S-3,act_type='relu')
        nd.Activation(S-3,act_type='sigmoid'); nd.Activation(S-3,act_type='tanh')
        nd.Activation(S-3,act_type='softsign'); nd.Activation(v,act_type='bogus'); nd.Activation(v)
        nd.LeakyReLU(S-3); nd.LeakyReLU(S-3,act_type='elu'); nd.LeakyReLU(S-3,act_type='selu')
        nd.LeakyReLU(S-3,act_type='gelu'); nd.LeakyReLU(S-3,nd.array([.1,.2]),act_type='prelu')
        nd.LeakyReLU(S-3,nd.array([.1]),act_type='prelu')
        nd.LeakyReLU(-v,nd.array([.1,.2,.3]),act_type='prelu'); nd.LeakyReLU(v,act_type='bogus')
        nd.LayerNorm(A,v,v); nd.LayerNorm(A,nd.ones(2),nd.zeros(2),axis=0)
        nd.LayerNorm(A,v,v,output_mean_var=True); nd.InstanceNorm(y,nd.array([1.5,1]),nd.array([.5,0]))
        nd.L2Normalization(A); nd.L2Normalization(y,mode='channel'); nd.L2Normalization(y,mode='spatial')
        nd.L2Normalization(v); nd.L2Normalization(v,mode='bogus'); nd.Dropout(v); nd.Dropout(v,p=1.5)
        nd.Dropout(v,p=0,mode='always'); nd.SequenceMask(A,v,use_sequence_length=True,value=-1)
        nd.SequenceMask(A,nd.array([1,2]),use_sequence_length=True,axis=1); nd.SequenceMask(A)
        nd.SequenceMask(A,nd.array([1,2]),use_sequence_length=True)
        nd.SequenceLast(nd.arange(12).reshape((3,2,2)))
        nd.SequenceLast(nd.arange(12).reshape((3,2,2)),nd.array([1,2]),use_sequence_length=True)
        nd.SequenceReverse(nd.arange(12).reshape((3,2,2)),nd.array([1,2]),use_sequence_length=True)
        nd.SequenceReverse(nd.arange(6).reshape((3,2)))
    """,
}

WRITES = """
    x[0]=7 | x[-1]=7 | x[5]=7 | x[1,2]=7 | x[:]=7 | x[:]=x*2 | x[:]=numpy.ones((3,4)) | x[:]=numpy.arange(4)
    x[...]=3 | x[:]=nd.arange(4) | x[1]=[1,2,3,4] | x[1]=nd.array([1,2,3,4]) | x[1]=nd.array([[1,2,3,4]])
    x[1]=v | x[1:3]=5 | x[1:3]=nd.array([[1],[2]]) | x[::-1]=x*2 | x[::2,1:3]=numpy.array([[1,2],[3,4]])
    x[:,1]=v | x[:,1]=9 | x[...,0]=1 | x[[0,2]]=8 | x[[0,2]]=nd.array([1,2,3,4])
    x[[0,2],[1,3]]=nd.array([5,6]) | x[[0,2],[1,3]]=5 | x[[0,0]]=nd.array([[1,1,1,1],[2,2,2,2]])
    x[nd.array([0,2])]=4 | x[nd.array([1])]=nd.ones((1,4)) | x[:,[1,3]]=0 | x[1,[0,2]]=nd.array([7,8])
    x[[0,2],1:3]=nd.zeros((2,2)) | x[None]=nd.ones((1,3,4)) | x[x>5]=0 | x[1.5]=1 | x['a']=1 | x[0]='a'
    x[2:2]=5 | x[1,2]=nd.array([3]) | x[1,2]=nd.array(3) | x[1,2]=numpy.float32(3) | x[0]=True
    x[0]=nd.array([1,2,3,4],dtype='int32') | x[0]=x[1] | y[0,1]=nd.array([9,9]) | y[0]=0
    y[:,1,:]=nd.ones((2,2)) | y[[0,1],:,[1,0]]=0 | y[...,0]=nd.array([1,2]) | y[0,1,1]=5 | v[0]=nd.array([4])
    v[1:]=nd.array([4,5]) | v[[2,0]]=nd.array([4,5]) | v[-1]=1 | v[:]=nd.array([1]) | r=x[1]; r[:]=0
    r=x[1:]; r[0]=0 | r=x[:,1]; r[:]=0 | r=x[::2]; r[:]=0 | r=x[1,2]; r[:]=0 | r=x[None]; r[:]=0
    r=x[...]; r[:]=0 | r=x[[0]]; r[:]=0 | r=x.reshape((4,3)); r[0]=0 | r=x[1:].reshape((-1,)); r[:]=0
    r=x[1][2]; r[:]=50 | r=y[0]; r[1]=7 | r=y[0,1]; r[:]=7 | r=y[0,1]; r[0]=7 | r=v[1:]; r+=5 | r=x[0]; r*=2
    x[0]+=1 | x[1,2]+=1 | x[[0,0]]+=1 | x[:,1]*=2
"""

GRADIENTS = {
    "index": """
        nd.take(x,nd.array([0,0,5])) | x
        nd.pick(x,nd.array([0,7,0])) | x
        nd.gather_nd(x,nd.array([[1,1],[2,2]])) | x
        nd.scatter_nd(v,nd.array([[1,1,0],[0,1,0]]),shape=(2,2)) | v
        nd.Embedding(nd.array([1,1,7]),x,input_dim=3,output_dim=4) | x
        nd.topk(x,k=2,ret_typ='value') | x
        nd.sort(x,axis=1,is_ascend=False)*nd.array([1,2,3,4]) | x
        nd.argmax(x,axis=1) | x
        nd.contrib.index_copy(x,nd.array([1]),row) | x,row
        nd.contrib.boolean_mask(x,nd.array([0,1,0])) | x
        nd.where(x>5,x*2,X*3) | x,X
    """,
    "linalg": """
        nd.dot(A,v) | A,v
        nd.batch_dot(y,Y,transpose_b=True) | y,Y
        nd.diag(A,k=1) | A
        nd.linalg.potrf(S) | S
        nd.linalg.potri(L) | L
        nd.linalg.trsm(L,B) | L,B
        nd.linalg.trsm(L,B,rightside=True,transpose=True,lower=False,alpha=2) | L,B
        nd.linalg.trmm(S,B) | S,B
        nd.linalg.syrk(A) | A
        nd.linalg.det(S) | S
        nd.linalg.slogdet(S)[1] | S
        nd.linalg.inverse(S) | S
        nd.linalg.syevd(S)[1] | S
        nd.linalg.syevd(S)[0] | S | B
        nd.linalg.gelqf(A)[1] | A
        nd.linalg.gelqf(A)[0] | A | A
        nd.linalg.sumlogdiag(S) | S
        nd.linalg.gemm(A,A,B,transpose_b=True,alpha=2,beta=10) | A,B
        nd.linalg.extracttrian(C) | C
        nd.linalg.maketrian(v) | v | S
        nd.linalg.makediag(v) | v | C
    """,
    "nn": """
        nd.SoftmaxOutput(A,nd.array([2,0])) | A
        nd.SoftmaxOutput(A,nd.array([2,0])) | A | A*10
        nd.SoftmaxOutput(A,nd.array([2,0]),grad_scale=3,normalization='batch') | A
        nd.SoftmaxOutput(A,nd.array([2,0]),normalization='valid') | A
        nd.SoftmaxOutput(A,nd.array([2,0]),use_ignore=True,ignore_label=0) | A
        nd.SoftmaxOutput(A,nd.array([2,0]),use_ignore=True,ignore_label=0,normalization='valid') | A
        nd.SoftmaxOutput(A,nd.array([2,0]),smooth_alpha=0.3) | A
        nd.SoftmaxOutput(A,nd.array([[.2,.3,.5],[1,0,0]])) | A
        nd.SoftmaxOutput(T,nd.array([[0,1],[2,1]]),multi_output=True) | T
        nd.SoftmaxOutput(T,nd.array([[0,1],[2,1]]),multi_output=True,normalization='valid') | T
        nd.SoftmaxOutput(T,nd.array([[0,1],[2,1]]),multi_output=True,normalization='batch') | T
        nd.SoftmaxOutput(T,nd.array([[0,1,0],[1,1,0]]),preserve_shape=True) | T
        nd.SoftmaxOutput(T,nd.array([[0,1,0],[1,1,0]]),preserve_shape=True,normalization='batch') | T
        nd.LinearRegressionOutput(A,nd.array([[0,0,0],[1,1,1]])) | A
        nd.LinearRegressionOutput(v,nd.array([0,0,0])) | v
        nd.LinearRegressionOutput(A,nd.array([[0,0,0],[1,1,1]]),grad_scale=2) | A | A
        nd.LogisticRegressionOutput(A,nd.array([[0,0,0],[1,1,1]])) | A
        nd.MAERegressionOutput(A,nd.array([[0,3,4],[9,9,9]])) | A
        nd.MakeLoss(A*A) | A
        nd.make_loss(A*A) | A | A*10
        nd.MakeLoss(A*A,grad_scale=3,normalization='batch') | A | A*10
        nd.MakeLoss(A,valid_thresh=2.5,normalization='valid') | A
        nd.softmax_cross_entropy(A,nd.array([2,0])) | A | nd.array([10])
        nd.softmax(A,temperature=2) | A | A
        nd.log_softmax(A,axis=0) | A | A
        nd.LayerNorm(A,v,u) | A,v,u | A
        nd.L2Normalization(T,mode='channel') | T | T
        nd.Activation(S-3,act_type='softrelu') | S
        nd.Activation(S-3,act_type='softsign') | S
        nd.LeakyReLU(S-3) | S
        nd.LeakyReLU(S-3,act_type='elu') | S
        nd.LeakyReLU(S-3,act_type='gelu') | S
        nd.LeakyReLU(S-3,p,act_type='prelu') | S,p
        nd.LeakyReLU(S-3,w,act_type='prelu') | S,w
        nd.FullyConnected(y,B,p,num_hidden=2,flatten=False) | y,B,p | y
        nd.SequenceMask(A,v,use_sequence_length=True) | A
    """,
}


def arrays(nd, numpy):
    """The names that expressions use."""
    return {
        "nd": nd, "numpy": numpy, "x": nd.arange(12).reshape((3, 4)).copy(), "X": nd.ones((3, 4)),
        "row": nd.ones((1, 4)), "y": nd.arange(8).reshape((2, 2, 2)).copy(), "Y": nd.ones((2, 2, 2)),
        "v": nd.array([3, 1, 2]), "u": nd.array([1, 0, 2]), "w": nd.array([1]), "p": nd.array([0.5, 0.25]),
        "ties": nd.array([1, 3, 3, 2, 3]), "A": nd.array([[1, 2, 3], [4, 5, 7]]),
        "B": nd.array([[1, 2], [3, 4]]), "C": nd.arange(9).reshape((3, 3)), "L": nd.array([[2, 0], [0.5, 2]]),
        "S": nd.array([[4, 1], [1, 3]]), "T": nd.arange(12).reshape((2, 3, 2)),
    }


def plain(result):
    """An array as dtype, shape and flat elements; a list of arrays as a list."""
    if isinstance(result, (list, tuple)):
        return [plain(r) for r in result]
    host = result.asnumpy()
    return {"dtype": host.dtype.name, "shape": list(host.shape),
            "flat": [float(f"{e:.7g}") for e in host.ravel()]}


def value(expression, nd, autograd, numpy):
    return plain(eval(expression, arrays(nd, numpy)))


def write(statements, nd, autograd, numpy):
    names = arrays(nd, numpy)
    exec(statements, names)
    return plain([names[n] for n in "xyv"])


def gradient(case, nd, autograd, numpy):
    """The value of ``expression | arguments | head gradient``, and the gradients by the arguments."""
    expression, arguments, *head = (part.strip() for part in case.split("|"))
    names = arrays(nd, numpy)
    marked = [names[n] for n in arguments.split(",")]
    for x in marked:
        x.attach_grad()
    with autograd.record():
        result = eval(expression, names)
    result.backward(*[eval(h, names) for h in head])
    return plain([result, *(x.grad for x in marked)])


def cases(text, between):
    return [case.strip() for line in text.strip().split("\n") for case in line.split(between)]


if __name__ == "__main__":
    import numpy
    from mxnet import autograd, nd

    warnings.simplefilter("ignore")
    kinds = [(kind, value, cases(text, ";")) for kind, text in VALUES.items()]
    kinds.append(("writes", write, cases(WRITES, " | ")))
    kinds += [("gradients " + kind, gradient, cases(text, "\n")) for kind, text in GRADIENTS.items()]
    lines = []
    for kind, run, expressions in kinds:
        for expression in expressions:
            try:
                found = run(expression, nd, autograd, numpy)
            except Exception as error:
                found = {"error": type(error).__name__}
            lines.append(json.dumps([kind, expression, found], separators=(",", ":")))
    print("[\n" + ",\n".join(lines) + "\n]")
