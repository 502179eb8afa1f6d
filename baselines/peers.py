"""The hand-designed methods of Tables 2 and 5 that can be rebuilt, and a plain 3D control.

Each value holds a method's input, the recipe of its publication, and where ours deviates from it.
`params` is checked against the network at 3 classes. Nothing here needs torch.
"""

from dataclasses import replace

from baselines.fixed import FixedNetwork, Recipe, StillInput

LAST = "last epoch"
BEST_ON_TEST = "best epoch on each test subject (leaky)"
OWN_FLOW = (
    "flow by scikit-image's TV-L1 on faces scaled to `data.flow_side`; where no apex is annotated, "
    "to the frame that differs most from the onset"
)

STSTNET = FixedNetwork(
    name="ststnet",
    summary="STSTNet: three shallow streams over one image of optical flow and strain",
    network="baselines.ststnet:STSTNet",
    input=StillInput("flow", 28, scale="minmax"),
    recipe=Recipe("adam", 5e-5, epochs=800, batch=256, shuffle=False),
    groups=("peers",),
    params=1_683,
    channels_last=True,
    reference=(
        "Liong, Gan, See, Khor, Huang: Shallow Triple Stream Three-dimensional CNN (STSTNet) for "
        "Micro-expression Recognition, FG 2019"
    ),
    released_selection=LAST,
    deviations=(
        OWN_FLOW,
        "convolutions padded by 2 as in the PyTorch release; by 1 in the paper's table",
        "batches go class by class, as the release reads its folders; their order within a class, "
        "and of the classes, is that of its disk",
    ),
)

OFF_APEXNET = FixedNetwork(
    name="off_apexnet",
    summary="OFF-ApexNet: one convolutional stream per component of the optical flow",
    network="baselines.off_apexnet:OffApexNet",
    input=StillInput("flow_pair", 28),
    recipe=Recipe("adam", 1e-4, epochs=3000, batch=64),
    groups=("peers",),
    params=2_664_475,
    channels_last=True,
    reference=(
        "Gan, Liong, Yau, Huang, Tan: OFF-ApexNet on Micro-expression Recognition System, Signal "
        "Processing: Image Communication 2019"
    ),
    released_selection="no code of the authors",
    deviations=(
        OWN_FLOW,
        "built after a port (Off-TANet's baselines): 2.66 M parameters, where the STSTNet paper "
        "counts 2.77 M, so that one detail differs",
        "epochs, batch and unscaled flow are the port's, which computes flow on faces of 28×28: "
        "ours is in pixels of a face of `data.flow_side`",
    ),
)

DUAL_INCEPTION = FixedNetwork(
    name="dual_inception",
    summary="Dual-Inception: two inception blocks per component of the optical flow",
    network="baselines.dual_inception:DualInception",
    input=StillInput("flow_pair", 28, scale="minmax", divisor=255),
    recipe=Recipe("adam", 1e-4, epochs=40, batch=3),
    groups=("peers",),
    params=6_449_963,
    channels_last=True,
    reference=(
        "Zhou, Mao, Xue: Dual-Inception Network for Cross-Database Micro-Expression Recognition, "
        "FG 2019"
    ),
    released_selection="best validation loss on other subjects of the test subject's data set",
    released_ways=("other_sets",),
    deviations=(
        OWN_FLOW,
        "trained on all other subjects; the release trains on the other two data sets alone, and "
        "repeats everything 100 times",
        "each component of each clip fills 0 to 255; how the release scaled its images is unknown",
    ),
)

_RCN = FixedNetwork(
    name="rcn_a",
    summary="RCN-A: recurrent convolution, attention without weights of its own",
    network="baselines.rcn:RCNA",
    input=StillInput("flow", 60, scale="minmax", divisor=255),
    recipe=Recipe("sgd", 5e-4, epochs=100, batch=64, momentum=0.9),
    groups=("peers",),
    channels_last=True,
    reference=(
        "Xia, Peng, Khor, Feng: Revealing the Invisible with Model and Data Shrinking for "
        "Composite-Database Micro-Expression Recognition, IEEE TIP 2020"
    ),
    released_selection=LAST,
)
_RCN_DEVIATIONS = (
    OWN_FLOW,
    "images of 60×60, 64 maps, 7×7 pooled: the script's defaults and a later benchmark's size; the "
    "release fixes no image size",
    "each channel of each clip fills 0 to 255; how the release scaled its images is unknown",
    "the learning rate stays: the release makes a schedule (half every 10 epochs), never stepped",
)
_GUARDED = "attention of a map that is constant is 0; the release divides 0 by 0"

RCN_A = replace(_RCN, params=55_747, deviations=(*_RCN_DEVIATIONS, _GUARDED))
RCN_S = replace(
    _RCN,
    name="rcn_s",
    summary="RCN-S: dense shortcuts around one shared convolution",
    network="baselines.rcn:RCNS",
    params=92_803,
    deviations=(
        *_RCN_DEVIATIONS,
        "37,056 of its parameters belong to a layer that is never used, as in the release",
    ),
)
RCN_W = replace(
    _RCN,
    name="rcn_w",
    summary="RCN-W: a stem of three dilations, recurrent convolution",
    network="baselines.rcn:RCNW",
    params=52_675,
    deviations=_RCN_DEVIATIONS,
)
RCN_F = replace(
    _RCN,
    name="rcn_f",
    summary="RCN-F: a stem of three dilations, dense shortcuts, attention inside the block",
    network="baselines.rcn:RCNF",
    params=52_675,
    deviations=(
        *_RCN_DEVIATIONS,
        _GUARDED,
        "the third stream has its own convolution; the released class, which does not run, takes "
        "the second stream's",
    ),
)

OFF_TANET = FixedNetwork(
    name="off_tanet",
    summary="Off-TANet: residual units on the optical flow, attention three ways",
    network="baselines.off_tanet:OffTANet",
    input=StillInput("flow", 112, strain_factor=8),  # sums of the Sobel kernel
    recipe=Recipe("adam", 1e-3, epochs=201, batch=64, lr_step=60, lr_gamma=0.3),
    groups=("peers",),
    params=59_403,
    channels_last=True,
    reference=(
        "Zhang, Liu, Zhou: Off-TANet: A Lightweight Neural Micro-expression Recognizer with "
        "Optical Flow Features and Integrated Attention Mechanism, PRICAI 2021"
    ),
    released_selection="best epoch on the test subjects, means over folds (leaky)",
    released_ways=("oracle", "fold_mean"),
    deviations=(
        OWN_FLOW,
        "flow is resized after it is computed; the release resizes the images first",
        "strain with the vertical derivative of v; the release takes that of u by mistake",
        "published scores are on other data sets (CASME, CASME II, CAS(ME)²) and not pooled",
        "as released, ours takes each subject's own best epoch; the release takes one for all "
        "folds, that of every 20th with the best mean UAR",
    ),
)

LEARNET = FixedNetwork(
    name="learnet",
    summary="LEARNet: four lateral columns over a dynamic image",
    network="baselines.learnet:LEARNet",
    input=StillInput("dynamic_image", 112, divisor=255),
    recipe=Recipe("adam", 1e-4, epochs=100, batch=16),
    groups=("peers",),
    marks=("recipe ours",),
    params=1_865_539,
    channels_last=True,
    reference=(
        "Verma, Vipparthi, Singh, Murala: LEARNet: Dynamic Imaging Network for Micro Expression "
        "Recognition, IEEE TIP 2020"
    ),
    released_selection="no training code",
    deviations=(
        "optimiser, epochs, batch and the scale of the images are ours: no training code is public",
        "batch norm averages its statistics with momentum 0.1, Keras' with 0.01",
        "published scores are of 7 or 8 classes, so that none stands in Table 2",
    ),
)

_LEI_DEVIATIONS = (
    "patches of apex minus onset (magnified where `data.magnify` says so), at fixed places of the "
    "cropped face unless `data.landmarks` gives points; published: of MagNet's motion features at "
    "detected landmarks",
    "every pair of action units is taken to occur together alike (adjacency I + 1/9); published: "
    "counted from the training clips' action units",
    "each training clip once an epoch, at 0.6 to 1.5 times the magnification of the tests, drawn "
    "anew, as in a re-implementation; the release's files hold about 20 variants of each clip",
    "training goes on after a test accuracy of 100 %, where the release stops",
)

LEI_AMPLIFICATIONS = tuple(tenths / 10 for tenths in range(6, 16))
"""Magnification in training relative to that in tests.

1.2, 1.4 ... 3.0 over 2.0 in a re-implementation; the authors' release holds the magnified features
alone.
"""

LEI_GRAPH_CNN = FixedNetwork(
    name="lei_graph_cnn",
    summary="Graph-CNN: landmark patches through transformers, joined with action units",
    network="baselines.lei_graph_cnn:LeiGraphCNN",
    input=StillInput("landmark_patches", 7, amplifications=LEI_AMPLIFICATIONS),
    recipe=Recipe("adam", 2e-4, epochs=2000, batch=64),
    options=(("depth", "released"),),
    groups=("peers",),
    marks=("no MagNet", "no landmarks", "no AU labels"),
    params=1_046_669,
    reference=(
        "Lei, Chen, Li, Li: Micro-expression Recognition Based on Facial Graph Representation "
        "Learning and Facial Action Unit Fusion, CVPR Workshops 2021"
    ),
    pretraining="MagNet (motion magnification), dlib's 68 landmarks; ours: a user's, if given",
    released_selection="best F1 on each test subject among 2000 epochs (leaky)",
    released_ways=("oracle",),
    deviations=(*_LEI_DEVIATIONS, "one of six encoder layers counts, as in the released code"),
)
LEI_GRAPH_CNN_DESCRIBED = replace(
    LEI_GRAPH_CNN,
    name="lei_graph_cnn_described",
    summary="Graph-CNN with all six encoder layers in turn, as its paper describes it",
    options=(("depth", "described"),),
    deviations=(
        *_LEI_DEVIATIONS,
        "all six encoder layers count; in the released code only the last does",
    ),
)

CAPSULENET = FixedNetwork(
    name="capsulenet",
    summary="CapsuleNet: residual trunk and routed capsules on the apex frame, from scratch",
    network="baselines.capsulenet:CapsuleNet",
    input=StillInput("apex", 224, neighbours=2),
    recipe=Recipe(
        "adam",
        0.9e-4,
        epochs=30,
        batch=32,
        balance=5,
        lr_step=1,
        lr_gamma=0.9,
        loss="margin",
    ),
    groups=("peers",),
    marks=("from scratch",),
    params=13_842_496,
    channels_last=True,
    reference="Van Quang, Chun, Tokuyama: CapsuleNet for Micro-Expression Recognition, FG 2019",
    pretraining="ImageNet (ResNet-18); ours starts at random",
    released_selection=BEST_ON_TEST,
    released_ways=("oracle",),
    deviations=(
        "random initial weights in place of ImageNet's (`weights` of the network takes a file)",
        "no augmentation (the release turns, mirrors, shifts and tints its images, and turns those "
        "of tests at random too)",
        "each class comes to 5 times the rarest of the fold, its images drawn from the apex and "
        "two frames on either side; in the release to 5 times surprise, the apex once an epoch and "
        "the others without repeats",
        "the whole face at 224×224; the release takes the centre of one at 234×240",
    ),
)

NMER = FixedNetwork(
    name="nmer",
    summary="NMER (EMR): a residual network on coloured optical flow, upper and lower face apart",
    network="baselines.nmer:NMER",
    input=StillInput("flow_colour", 224, divisor=255),
    recipe=Recipe(
        "adam",
        1e-3,
        epochs=100,
        batch=32,
        weight_decay=1e-6,
        lr_step=10,
        lr_gamma=0.5,
        clip=1.0,
    ),
    groups=("peers",),
    marks=("no ImageNet or CK+ pretraining", "not magnified"),
    params=11_242_953,
    channels_last=True,
    reference="Liu, Du, Zheng, Gedeon: A Neural Micro-Expression Recognizer, FG 2019",
    pretraining="ImageNet (ResNet-18), and CK+ in training; ours starts at random without CK+",
    released_selection=BEST_ON_TEST,
    released_ways=("oracle",),
    deviations=(
        OWN_FLOW,
        "flow by TV-L1; by Farnebäck's method in the release, on faces of 320×320",
        "random initial weights in place of ImageNet's (`weights` of the network takes a file), "
        "and so one learning rate for all layers: the release's is 1e-5 for the trunk and stays, "
        "1e-3 for the rest, whose halving ends at 1e-5",
        "no clips of CK+, hence no discriminator of macro- and micro-expressions (10,369 "
        "parameters) behind a reversed gradient: of one kind of expression it learns nothing",
        "clips are magnified where `data.magnify` says so; the release's Eulerian magnification is "
        "made before its code begins, and its settings are unpublished",
        "no augmentation (the release turns, tints and crops its images at random, those of tests "
        "too)",
        "hue, saturation and brightness become colours as they are meant; the release hands 8-bit "
        "values to a formula for degrees and shares, and lets the result overflow",
        "the three heads' losses are averaged and the gradient's norm is clipped over all layers; "
        "the release adds the losses and clips part by part",
    ),
)

ICE_GAN = FixedNetwork(
    name="ice_gan",
    summary="ICE-GAN's classifier: patch convolutions under spectral norm, capsules, apex frame",
    network="baselines.ice_gan:ICEGANClassifier",
    input=StillInput("apex", 128),
    recipe=Recipe("adam", 1e-3, epochs=100, batch=16, cosine=True, loss="linear_margin"),
    groups=("peers",),
    marks=("classifier only", "no generator"),
    params=7_385_600,
    channels_last=True,
    reference=(
        "Yu, Zhang, Song, Cai: ICE-GAN: Identity-aware and Capsule-Enhanced GAN with Graph-based "
        "Reasoning for Micro-Expression Recognition and Synthesis, IJCNN 2021"
    ),
    released_selection="no training code; its log scores every epoch on single frames",
    deviations=(
        "the classifier alone, on real frames: the generator's loss, the weights of both and the "
        "optimiser are unpublished",
        "no decoder that draws the frame from the class capsules (89.7 M parameters; its error "
        "weighs 0.0005 in the release), and no capsule that tells real frames from generated ones",
        "one frame a clip, the apex; the released log counts several frames of a clip as tests of "
        "their own",
        "Adam is ours; rate, schedule, batch and epochs are those of the log",
        "grey values of 0 to 1: how the release scaled its frames is unknown",
        "class capsules of width 16: the log does not say which its runs have; Table 5 counts "
        "6.7 M parameters, which no width gives",
    ),
)

R2PLUS1D_SMALL = FixedNetwork(
    name="r2plus1d_small",
    summary="Control, ours: a small plain R(2+1)D network on whole clips",
    network="baselines.r2plus1d:SmallR2Plus1D",
    input="clip",
    recipe=None,
    groups=("peers",),
    marks=("ours",),
    params=440_243,
    channels_last=True,
    reference=(
        "after Tran et al.: A Closer Look at Spatiotemporal Convolutions for Action Recognition, "
        "CVPR 2018"
    ),
    released_selection="no publication",
    deviations=("sizes are ours; trained as derived networks are",),
)

FLOW_CNN = FixedNetwork(
    name="flow_cnn",
    summary="Control, ours: three plain convolutions over the direction of the optical flow",
    network="baselines.flow_cnn:FlowCnn",
    input=StillInput("flow_pair", 28),
    recipe=Recipe("adam", 2e-3, epochs=30, batch=64, weight_decay=1e-4, lr_step=10, lr_gamma=0.2),
    groups=("control",),
    marks=("ours",),
    params=33_075,
    channels_last=True,
    reference="none: a plain network on the input of OFF-ApexNet",
    released_selection="no publication",
    deviations=("sizes and recipe are ours",),
)

PEERS = (
    STSTNET,
    OFF_APEXNET,
    DUAL_INCEPTION,
    RCN_A,
    RCN_S,
    RCN_W,
    RCN_F,
    OFF_TANET,
    LEARNET,
    LEI_GRAPH_CNN,
    LEI_GRAPH_CNN_DESCRIBED,
    CAPSULENET,
    NMER,
    ICE_GAN,
    R2PLUS1D_SMALL,
)
"""Those of the group, in the order of listings: without `FLOW_CNN`, which stands in no table."""
