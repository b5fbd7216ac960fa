"""Print, as JSON, what nd's spatial and contrib operators give in MXNet 1.9.1, or 2.0 for those it added.

    python-1.9 record_spatial.py >spatial_1.9.1.json
    python-2.0 record_spatial.py >spatial_2.0.0b1.json

Cases are written as in record_nd_conv.py, which runs them.
"""
import json
import warnings

from record_nd_conv import run

_BOXES = "nd.concat(k,k+nd.abs(k)+0.5,dim=-1)"      # corners
_ROIS = "nd.array([[0,0,0,4,4],[0,1,2,7,3],[1,-2,0.5,2.5,9],[0,2,2,3.2,3.5],[1,7,7,9,9]])"

CASES = {"1.9.1": f"""
nd.BilinearSampler(x,g*0.6) | x=1,2,3,4 g=1,2,2,3
nd.BilinearSampler(x,g) | x=2,1,3,3 g=2,2,4,2 | float64
nd.BilinearSampler(x,nd.array([[[[-1,1,0]],[[-1,1,0]]]])) | x=1,1,3,3
nd.BilinearSampler(x,nd.array([[[[1e30,-1e30,5]],[[0,0,0]]]])) | x=1,1,3,3
nd.BilinearSampler(x,g) | x=1,1,1,1 g=1,2,2,2
nd.BilinearSampler(x,g) | x=2,1,3,3 g=1,2,2,2
nd.BilinearSampler(x,g) | x=2,1,3 g=2,2,2,2
nd.GridGenerator(x,transform_type='affine',target_shape=(2,3)) | x=2,6
nd.GridGenerator(x,'affine',(4,2)) | x=1,6
nd.GridGenerator(x,transform_type='warp') | x=2,2,2,3
nd.GridGenerator(x,transform_type='affine',target_shape=(2,3)) | x=2,5
nd.GridGenerator(x,transform_type='affine') | x=2,6
nd.GridGenerator(x,transform_type='affine',target_shape=(2,3)) | x=2,2,3
nd.GridGenerator(x,transform_type='warp') | x=2,6
nd.GridGenerator(x,transform_type='warp') | x=2,3,2,2
nd.GridGenerator(x,transform_type='turn') | x=2,6
nd.GridGenerator(x) | x=2,6
nd.SpatialTransformer(x,y*0.4,target_shape=(2,3),transform_type='affine',sampler_type='bilinear') \
| x=2,2,3,3 y=2,6
nd.SpatialTransformer(x,y,(3,2),'affine','bilinear') | x=1,1,4,3 y=1,6 | float64
nd.SpatialTransformer(x,y,transform_type='affine',sampler_type='bilinear') | x=1,1,3,3 y=1,6
nd.SpatialTransformer(x,y,target_shape=(2,3),transform_type='warp',sampler_type='bilinear') | x=1,1,3,3 y=1,6
nd.ROIPooling(x,{_ROIS},pooled_size=(2,2),spatial_scale=1.0) | x=2,1,6,6
nd.ROIPooling(x,{_ROIS},pooled_size=(3,2),spatial_scale=0.7) | x=2,2,5,6
nd.ROIPooling(nd.floor(x),{_ROIS},pooled_size=(7,5),spatial_scale=0.5) | x=2,2,5,6
nd.ROIPooling(x,y,pooled_size=(2,2),spatial_scale=0.5) | x=2,1,4,4 y=2,5 | float64
nd.ROIPooling(x,y,pooled_size=(2,2),spatial_scale=1) | x=2,1,4,4 y=2,4
nd.ROIPooling(x,y,pooled_size=(2,2),spatial_scale=1) | x=2,4,4 y=2,5
nd.ROIPooling(x,y,pooled_size=(2,2)) | x=2,1,4,4 y=2,5
nd.ROIPooling(x,y,spatial_scale=1) | x=2,1,4,4 y=2,5
nd.contrib.ROIAlign(x,{_ROIS},pooled_size=(2,3),spatial_scale=0.9) | x=2,1,6,6
nd.contrib.ROIAlign(x,{_ROIS},pooled_size=(2,3),spatial_scale=0.9,sample_ratio=2) | x=2,2,6,6
nd.contrib.ROIAlign(x,{_ROIS},pooled_size=(2,3),spatial_scale=0.9,sample_ratio=1,aligned=True) | x=2,1,6,6
nd.contrib.ROIAlign(x,{_ROIS},pooled_size=(2,3),spatial_scale=0.5,aligned=True) | x=2,1,4,5
nd.contrib.ROIAlign(x,{_ROIS},pooled_size=(2,2),spatial_scale=1,position_sensitive=True) | x=2,8,4,4
nd.contrib.BilinearResize2D(x,height=5,width=2) | x=1,2,4,3
nd.contrib.BilinearResize2D(x,height=9,width=7,align_corners=False) | x=1,1,4,3
nd.contrib.BilinearResize2D(x,height=2,width=1,align_corners=False) | x=1,1,4,3
nd.contrib.BilinearResize2D(x,height=4,width=3) | x=1,1,4,3 | float64
nd.contrib.BilinearResize2D(x) | x=1,1,4,3
nd.contrib.BilinearResize2D(x,scale_height=1.5,scale_width=0.5) | x=1,1,4,3
nd.contrib.BilinearResize2D(x,scale_height=2,scale_width=3,mode='odd_scale') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,scale_height=0.5,scale_width=0.5,mode='odd_scale') | x=1,1,4,5
nd.contrib.BilinearResize2D(x,mode='to_even_down') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,mode='to_even_up') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,mode='to_odd_down') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,mode='to_odd_up') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,y,mode='like') | x=1,1,4,3 y=1,2,3,5
nd.contrib.BilinearResize2D(x,y,mode='like',align_corners=False) | x=1,1,4,3 y=1,2,3,5
nd.contrib.BilinearResize2D(x,mode='like') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,mode='odd_scale') | x=1,1,4,3
nd.contrib.BilinearResize2D(x,scale_height=2) | x=1,1,4,3
nd.contrib.BilinearResize2D(x,height=-1,width=3) | x=1,1,4,3
nd.contrib.BilinearResize2D(x,mode='larger') | x=1,1,4,3
nd.contrib.AdaptiveAvgPooling2D(x) | x=2,1,4,3
nd.contrib.AdaptiveAvgPooling2D(x,output_size=3) | x=1,2,4,3
nd.contrib.AdaptiveAvgPooling2D(x,output_size=(2,)) | x=1,1,4,3
nd.contrib.AdaptiveAvgPooling2D(x,output_size=(5,2)) | x=1,1,4,3 | float64
nd.contrib.AdaptiveAvgPooling2D(x,output_size=1) | x=1,4,3
nd.Correlation(x,y) | x=1,2,4,4 y=1,2,4,4
nd.Correlation(x,y*y,max_displacement=3,stride2=2,pad_size=3) | x=2,1,3,4 y=2,1,3,4 | float64
nd.Correlation(x,y*y,kernel_size=3,max_displacement=1,pad_size=2) | x=1,2,4,4 y=1,2,4,4
nd.Correlation(x,y*y,kernel_size=3,max_displacement=2,stride1=2,pad_size=3) | x=1,2,4,4 y=1,2,4,4
nd.Correlation(x,y*0.3,is_multiply=False,pad_size=1) | x=1,2,4,4 y=1,2,4,4
nd.Correlation(x,y,kernel_size=2,pad_size=2) | x=1,2,4,4 y=1,2,4,4
nd.Correlation(x,y,max_displacement=3) | x=1,2,4,4 y=1,2,4,4
nd.Crop(x,h_w=(2,2),offset=(1,0)) | x=1,1,4,4
nd.Crop(x,h_w=(2,2),center_crop=True) | x=1,1,5,5
nd.Crop(x,y,num_args=2) | x=1,1,4,4 y=1,2,2,3
nd.Crop(x,y,num_args=2,center_crop=True) | x=1,1,4,4 y=1,2,2,3
nd.Crop(x) | x=1,1,4,4
nd.Crop(x,h_w=(5,2)) | x=1,1,4,4
nd.Pooling_v1(x,kernel=(3,3),stride=(2,2),pad=(1,1),pool_type='avg') | x=1,1,5,5
nd.Pooling_v1(x,kernel=(3,3),stride=(2,2),pad=(1,1),pool_type='avg',pooling_convention='full') | x=1,1,4,4
nd.Pooling_v1(nd.floor(x),kernel=(2,2)) | x=1,2,4,4
nd.Pooling_v1(x,kernel=(2,2),stride=(2,2),pool_type='sum',pooling_convention='full') | x=1,1,5,3
nd.Pooling_v1(x,global_pool=True,pool_type='avg') | x=1,2,3,4
nd.Pooling_v1(x,kernel=(2,)) | x=1,1,4
nd.Pooling_v1(x,kernel=(2,2),pool_type='lp') | x=1,1,4,4
nd.Pooling_v1(x,kernel=(2,2),pooling_convention='same') | x=1,1,4,4
nd.contrib.DeformableConvolution(x,y*0.4,w,b,kernel=(2,2),num_filter=2) | x=1,2,4,4 y=1,8,3,3 w=2,2,2,2 b=2
nd.contrib.DeformableConvolution(x,y,w,kernel=(2,2),num_filter=2,num_group=2,num_deformable_group=2,\
stride=(2,1),pad=(1,0),dilate=(1,2),no_bias=True) | x=2,4,4,4 y=2,16,3,2 w=2,2,2,2
nd.contrib.DeformableConvolution(x,y,w,kernel=(1,1),num_filter=1,no_bias=True) \
| x=1,1,3,3 y=1,2,3,3 w=1,1,1,1 | float64
nd.contrib.DeformableConvolution(x,y,w,kernel=(2,2),num_filter=1,no_bias=True) | x=1,1,3,3 y=1,8,3,3 w=1,1,2,2
nd.contrib.DeformableConvolution(x,y,w,kernel=(2,2),num_filter=1) | x=1,1,3,3 y=1,8,2,2 w=1,1,2,2
nd.contrib.ModulatedDeformableConvolution(nd.sin(nd.arange(32)).reshape((1,2,4,4)),\
nd.cos(nd.arange(72)*3).reshape((1,8,3,3)),nd.sigmoid(nd.sin(nd.arange(36)*2)).reshape((1,4,3,3)),\
nd.cos(nd.arange(16)).reshape((2,2,2,2)),nd.array([1,2]),kernel=(2,2),num_filter=2)+x | x=1
nd.contrib.ModulatedDeformableConvolution(nd.sin(nd.arange(16)).reshape((2,2,2,2)),\
nd.cos(nd.arange(288)*3).reshape((2,16,3,3))*2,nd.sigmoid(nd.sin(nd.arange(144)*2)).reshape((2,8,3,3)),\
nd.cos(nd.arange(16)).reshape((2,2,2,2)),kernel=(2,2),num_filter=2,pad=(1,1),num_deformable_group=2,\
no_bias=True)+x | x=1
nd.SVMOutput(x,nd.array([0,3,1])) | x=3,4
nd.SVMOutput(x,nd.array([0,3,1]),margin=0.375,regularization_coefficient=0.7) | x=3,4
nd.SVMOutput(x,nd.array([0,3,9]),margin=0.375,regularization_coefficient=0.7,use_linear=True) | x=3,4
nd.SVMOutput(x,y) | x=2,3 y=3
nd.SVMOutput(x,y) | x=2,3,2 y=2,2
nd.contrib.hawkesll(x,y,nd.array([1.,2.]),nd.array([[.1,.2],[0,0],[.3,.4]]),\
nd.array([[.6,.7,.8,.9],[.1,.2,.3,.4],[.3,.4,.5,.6]]),nd.array([[0,1,0,1],[1,1,0,0],[0,0,0,1]],dtype='int32'),\
nd.array([2,3,4]),nd.array([3,3.5,4])) | x=3,2 y=2
nd.contrib.hawkesll(nd.exp(x),nd.exp(y)/9,nd.array([1.,2.]),nd.array([[.1,.2],[0,0],[.3,.4]]),\
nd.array([[.6,.7,.8,.9],[.1,.2,.3,.4],[.3,.4,.5,.6]]),nd.array([[0,1,0,1],[1,1,0,0],[0,0,0,1]],dtype='int32'),\
nd.array([2,3,4]),nd.array([3,3.5,4])) | x=3,2 y=2
nd.contrib.box_iou({_BOXES},{_BOXES}[:3])+x | k=6,2 x=1
nd.contrib.box_iou(k,{_BOXES}[1],format='center')+x | k=2,3,2 x=1
nd.contrib.box_iou({_BOXES},{_BOXES}[:1],format='center')+x | k=6,2 x=1
nd.contrib.box_iou(x,y) | x=2,3 y=2,4
nd.contrib.box_iou(x,y,format='middle') | x=2,4 y=2,4
nd.contrib.box_encode(nd.array([[1,0,-1],[1,1,0.4]]),nd.array([[0,1,0],[1,0,1]]),{_BOXES},\
{_BOXES}[:,1:]*2,nd.array([0,.1,.2,.3]),nd.array([.1,.2,.3,.4]))[0]+x | k=2,3,2 x=1
nd.contrib.box_encode(nd.array([[1,0,-1],[1,1,0.4]]),nd.array([[0,1,0],[1,0,1]]),{_BOXES},\
{_BOXES}[:,1:]*2,nd.array([0,.1,.2,.3]),nd.array([.1,.2,.3,.4]))[1]+x | k=2,3,2 x=1
nd.contrib.box_decode({_BOXES}*0.3,{_BOXES}[:1],std0=.1,std1=.2,std2=.3,std3=.4,format='corner')+x \
| k=2,3,2 x=1
nd.contrib.box_decode({_BOXES},{_BOXES}[:1],clip=0.5)+x | k=2,3,2 x=1
nd.contrib.box_decode(x,y) | x=2,3,4 y=2,3,4
nd.contrib.box_nms(x,overlap_thresh=0.1,valid_thresh=-9) | x=2,12,6
nd.contrib.box_nms(x,overlap_thresh=0.1,valid_thresh=-1,in_format='center',out_format='center',topk=9,\
coord_start=1,score_index=0) | x=20,5
nd.contrib.box_nms(nd.floor(x*2),overlap_thresh=0.1,id_index=0,background_id=1) | x=20,6
nd.contrib.box_nms(nd.floor(x*2),overlap_thresh=0.1,id_index=0,in_format='center',background_id=1,\
force_suppress=True,out_format='center') | x=2,2,20,6
nd.contrib.box_nms(nd.BlockGrad(x*x+3),in_format='center')+x*0 | x=12,6
nd.contrib.box_nms(nd.BlockGrad(x*x),out_format='center')+x*0 | x=12,6
nd.contrib.box_nms(x,topk=0) | x=4,6
nd.contrib.box_nms(x,coord_start=3) | x=4,6
nd.contrib.box_nms(x) | x=6
nd.contrib.box_nms(x,in_format='middle') | x=4,6
nd.contrib.bipartite_matching(x,threshold=0.1) | x=3,4,5
nd.contrib.bipartite_matching(x,threshold=0.1)[1] | x=6,4
nd.contrib.bipartite_matching(x,threshold=0.1,is_ascend=True) | x=2,2,6,4
nd.contrib.bipartite_matching(x) | x=6,4
nd.contrib.interleaved_matmul_selfatt_qk(x,heads=2) | x=3,2,12
nd.contrib.interleaved_matmul_selfatt_valatt(x,y,heads=2) | x=3,2,12 y=4,3,3
nd.contrib.interleaved_matmul_encdec_qk(x,y,heads=2) | x=2,2,4 y=3,2,8
nd.contrib.interleaved_matmul_encdec_valatt(x,y,heads=2) | x=3,2,8 y=4,2,3
nd.contrib.interleaved_matmul_selfatt_qk(x) | x=3,2,12
nd.contrib.SyncBatchNorm(x,g,b,m,v,fix_gamma=False,key='one') | x=3,2,2 g=2 b=2 m=2 v=2
nd.contrib.SyncBatchNorm(x,g,b,m,v,momentum=0.5,eps=0.01,output_mean_var=True,key='two') \
| x=3,2,2 g=2 b=2 m=2 v=2
nd.contrib.SyncBatchNorm(x,g,b,m,v,key='three') | x=3,2,2 g=2 b=2 m=2 v=2 | predict
nd.contrib.SyncBatchNorm(x,g,b,m,v) | x=3,2,2 g=2 b=2 m=2 v=2
""", "2.0.0": """
nd.contrib.sldwin_atten_score(x,y,nd.array([1,2],dtype='int32'),w=2,symmetric=True) | x=2,5,2,3 y=2,5,2,3
nd.contrib.sldwin_atten_score(x,y,nd.array([2,1],dtype='int32'),w=1,symmetric=False) | x=1,3,2,2 y=1,3,2,2
nd.contrib.sldwin_atten_score(x,y,nd.array([1,1],dtype='int32'),w=4,symmetric=True) | x=1,3,2,2 y=1,3,2,2
nd.contrib.sldwin_atten_context(x,y,nd.array([1,2],dtype='int32'),w=2,symmetric=True) | x=2,5,2,5 y=2,5,2,3
nd.contrib.sldwin_atten_context(x,y,nd.array([2,1],dtype='int32'),w=1,symmetric=False) | x=1,3,2,2 y=1,3,2,2
nd.contrib.sldwin_atten_context(x,y,nd.array([1],dtype='int32'),w=0,symmetric=True) | x=1,3,1,1 y=1,3,1,2
nd.contrib.sldwin_atten_mask_like(x,nd.array([1,2],dtype='int32'),nd.array([3,9],dtype='int32'),w=2,\
symmetric=True) | x=2,5,2,5
nd.contrib.sldwin_atten_mask_like(x,nd.array([2],dtype='int32'),nd.array([3,0],dtype='int32'),w=1,\
symmetric=False) | x=2,4,1,2
nd.contrib.dynamic_reshape(x,nd.array([0,-1])) | x=2,3,4
nd.contrib.dynamic_reshape(x,nd.array([-4,1,2,-2])) | x=2,3,4
"""}

if __name__ == "__main__":
    import mxnet
    import numpy
    from mxnet import autograd, nd

    warnings.simplefilter("ignore")
    lines = []
    for case in CASES[mxnet.__version__[:5]].strip().split("\n"):
        try:
            found = run(case, nd, autograd, numpy)
        except Exception as error:
            found = {"error": type(error).__name__}
        lines.append(json.dumps([case, found], separators=(",", ":")))
    print("[\n" + ",\n".join(lines) + "\n]")
