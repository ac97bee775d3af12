"""The networks that imports are checked on: torchvision's classifiers, and 150 of timm."""

from __future__ import annotations

#: All of torchvision 0.28's classifiers (`list_models(module=torchvision.models)`), small first.
TORCHVISION = tuple(
    """
    squeezenet1_1 squeezenet1_0 shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
    shufflenet_v2_x2_0 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet0_5 mnasnet0_75
    mnasnet1_0 mnasnet1_3 alexnet resnet18 resnet34 resnet50 regnet_x_400mf regnet_y_400mf
    regnet_x_800mf regnet_y_800mf efficientnet_b0 densenet121 googlenet vgg11 vgg11_bn
    efficientnet_b1 convnext_tiny swin_t vit_b_32 inception_v3 maxvit_t swin_v2_t
    regnet_x_1_6gf regnet_y_1_6gf regnet_x_3_2gf regnet_y_3_2gf densenet169 densenet201
    densenet161 resnext50_32x4d wide_resnet50_2 resnet101 resnet152 vgg13 vgg13_bn vgg16 vgg16_bn
    vgg19 vgg19_bn efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_v2_s vit_b_16
    convnext_small swin_s regnet_x_8gf regnet_y_8gf swin_v2_s regnet_x_16gf regnet_y_16gf
    resnext101_32x8d resnext101_64x4d wide_resnet101_2 swin_b swin_v2_b convnext_base
    efficientnet_b5 efficientnet_b6 efficientnet_v2_m efficientnet_v2_l efficientnet_b7
    regnet_x_32gf regnet_y_32gf convnext_large vit_l_32 vit_l_16 vit_h_14 regnet_y_128gf
    """.split()
)

#: Of timm 1.0.31: convolutional, hybrid, ViT, Swin and MLP networks, at their own input sizes.
TIMM = tuple(
    """
    vit_tiny_patch16_224 convnext_atto levit_128s mobilevit_xxs swin_tiny_patch4_window7_224
    mixer_s32_224 resmlp_12_224 edgenext_xx_small ghostnet_100 mobileone_s0 pvt_v2_b0
    poolformer_s12 deit_tiny_patch16_224 lcnet_050 tinynet_e xcit_nano_12_p16_224 fastvit_t8
    efficientformer_l1 repvgg_a0 crossvit_tiny_240 gmlp_ti16_224 dla46_c hrnet_w18_small
    regnety_002 regnetx_002 resnet10t mobilenetv4_conv_small convnextv2_atto coatnet_pico_rw_224
    swinv2_tiny_window8_256 maxvit_pico_rw_256 efficientvit_m0 efficientvit_b0 mobilenetv3_small_050
    res2net50_14w_8s visformer_tiny selecsls42b vovnet39a cait_xxs24_224 starnet_s1
    beit_base_patch16_224 volo_d1_224 twins_svt_small twins_pcpvt_small convit_tiny nest_tiny
    botnet26t_256 halonet26t eca_resnext26ts ecaresnet26t skresnet18 xception41 legacy_xception
    tresnet_m resnet18d resnet26d resnet14t resnetv2_18 resnetv2_50 resnetblur18 resnetaa34d
    resnet50_gn resnext26ts seresnet18 seresnext26t_32x4d gcresnet33ts resnest14d resnet51q
    regnety_008 regnetx_008 regnetz_005 regnetv_040 efficientnet_lite0 efficientnetv2_rw_t
    efficientnet_es efficientnet_b0_gn tf_efficientnet_b0 tf_efficientnetv2_b0
    gc_efficientnetv2_rw_t
    mobilenetv1_100 mobilenetv2_050 mobilenetv2_120d mobilenetv3_rw tf_mobilenetv3_small_minimal_100
    mobilenet_edgetpu_v2_xs mobilenetv4_hybrid_medium_075 mobilevitv2_050 mobileone_s1 hardcorenas_a
    fbnetc_100 fbnetv3_b mnasnet_small semnasnet_075 spnasnet_100 mixnet_s tf_mixnet_s rexnet_100
    rexnetr_100 ghostnetv2_100 repghostnet_050 gernet_s dla34 dla60_res2net hrnet_w18
    densenetblur121d rdnet_tiny dpn68 cspresnet50 cspdarknet53 darknet17 cs3darknet_s
    ese_vovnet19b_dw hgnetv2_b0 hgnet_tiny inception_v4 inception_next_atto nf_regnet_b0 nfnet_l0
    nf_resnet26 repvit_m0_9 fasternet_t0 convmixer_1024_20_ks9_p14 convformer_s18 caformer_s18
    focalnet_tiny_srf mambaout_femto shvit_s1 swiftformer_xs efficientformerv2_s0 coat_lite_tiny
    coatnet_rmlp_nano_rw_224 maxxvit_rmlp_nano_rw_256 maxvit_tiny_tf_224 gcvit_xxtiny davit_tiny
    mvitv2_tiny hiera_tiny_224 nextvit_small tiny_vit_5m_224 pit_ti_224 sequencer2d_s
    swin_s3_tiny_224 swinv2_cr_tiny_224 vit_small_patch16_224 vit_base_patch32_224
    vit_tiny_r_s16_p8_224 vit_relpos_small_patch16_224 eva02_tiny_patch14_224
    lambda_resnet26t tnt_s_patch16_224
    """.split()
)

#: All of them, of either library in turn while there are both.
ALL = (
    *(name for pair in zip(TORCHVISION[:48], TIMM) for name in pair),
    *TIMM[48:],
    *TORCHVISION[48:],
)

#: Exported by every exporter; the others by one or two of them.
BY_ALL = frozenset(
    """
    squeezenet1_1 shufflenet_v2_x0_5 mobilenet_v2 mobilenet_v3_small mnasnet0_5 alexnet resnet18
    resnet50 regnet_y_400mf efficientnet_b0 densenet121 googlenet vgg11_bn convnext_tiny swin_t
    vit_b_32 inception_v3 maxvit_t swin_v2_t vit_tiny_patch16_224 convnext_atto levit_128s
    mobilevit_xxs swin_tiny_patch4_window7_224 mixer_s32_224 resmlp_12_224 edgenext_xx_small
    ghostnet_100 mobileone_s0 pvt_v2_b0 poolformer_s12 xcit_nano_12_p16_224 fastvit_t8
    efficientformer_l1 crossvit_tiny_240 gmlp_ti16_224 hrnet_w18_small convnextv2_atto
    coatnet_pico_rw_224 swinv2_tiny_window8_256
    """.split()
)

#: Kept with their weights as well, for time and memory.
WITH_WEIGHTS = frozenset(
    """
    squeezenet1_1 shufflenet_v2_x0_5 mobilenet_v2 mnasnet0_5 resnet18 resnet50 regnet_y_400mf
    efficientnet_b0 densenet121 convnext_tiny swin_t vit_tiny_patch16_224 vgg16
    """.split()
)
