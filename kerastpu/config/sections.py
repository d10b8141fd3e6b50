"""The parts of a config; each field says its unit and its range."""

from dataclasses import dataclass, field
from typing import Literal

from data_pipelines.augment import Augment

AcceleratorName = Literal["auto", "tpu", "mirrored", "single", "cpu"]
BackendName = Literal["auto", "tensorflow", "jax"]
PrecisionName = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
OrderName = Literal["exact", "window"]
NormalizationName = Literal["default", "mnist"]
PoolingName = Literal["avg", "max", "flatten"]
ActivationName = Literal["relu", "gelu", "silu", "tanh", "sigmoid", "linear"]
OptimizerName = Literal[
    "adam", "adamw", "sgd", "rmsprop", "adadelta", "adagrad", "lion", "muon", "lamb"
]
ScalingName = Literal["none", "sqrt", "linear"]
ScheduleName = Literal[
    "cosine",
    "ramp",
    "constant",
    "exponential",
    "step",
    "multistep",
    "polynomial",
    "one_cycle",
    "cyclic",
    "plateau",
    "custom",
]
LossName = Literal["cross_entropy", "focal"]
ClassWeightsName = Literal["none", "balanced"]
TrainingMode = Literal["features", "end_to_end"]
ColorName = Literal["rgb", "gray"]
EngineName = Literal["auto", "onnx", "keras"]
FeatureDtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class InputConfig:
    """From files to batches."""

    image_size: int = 192
    """Side of the square image that the model sees, in pixels, 16..1024."""
    color: ColorName = "rgb"
    """Channels of that image: rgb has three, gray has one."""
    test_fraction: float = 0.2
    """Share of the images kept for the final score, 0.01..0.8."""
    validation_fraction: float = 0.1
    """Share of the images that choose the best epoch, 0.01..0.8."""
    skip_bad: bool = False
    """Leave out files that are not readable images, listing them, not stopping."""
    shuffle_labels: bool = False
    """Deal the labels out at random: a control, the score must fall to chance."""
    order: OrderName = "exact"
    """exact: every epoch in an order of its own; window: shuffled in runs of 2,048
    stored neighbors, for data larger than memory on a disk best read in sequence."""
    cache_mib: int = 0
    """Memory for decoded images in MiB, 0..1048576: later epochs need not decode."""
    augment: Augment = field(default_factory=Augment)
    """Random changes made to training images."""


@dataclass(frozen=True)
class HeadConfig:
    """What stands on a backbone: pooling, hidden layers, dropout, softmax."""

    pooling: PoolingName = "avg"
    """How the backbone's last feature map becomes a vector."""
    taps: tuple[str, ...] = ()
    """Layers of the backbone whose feature maps are pooled beside the last one, by
    name: earlier layers see finer detail. Not with pooling flatten."""
    units: tuple[int, ...] = ()
    """Units of each hidden layer between features and classifier, 1..65536."""
    activation: ActivationName = "relu"
    """Activation of the hidden layers."""
    batch_norm: bool = False
    """BatchNorm on the features and after each hidden layer, before its activation."""
    dropout: float = 0.2
    """Share of a dense layer's inputs dropped while training, 0..0.9."""


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    name: str = "efficientnet_lite0"
    """A name that `kerastpu models` lists."""
    weights: str | None = "imagenet"
    """Where the first weights come from: imagenet, a file (.weights.h5, .h5, .keras),
    or None for random ones."""
    num_classes: int | None = None
    """Classes of the output, at least 2; None = as many as the data has."""
    normalization: NormalizationName = "default"
    """Scaling of the pixels inside the network: default is the network's own; mnist
    subtracts 0.1307 and divides by 0.3081 after x / 255, for the small convnets."""
    head: HeadConfig = field(default_factory=HeadConfig)
    """What is trained on top of a backbone. In end_to_end a network that is no backbone
    has its own classifier, and all of this must stay as it is."""
    trainable_stages: int | None = None
    """Stages of the backbone that train, counted from its end, 0..100; 0 = the head
    alone. A stage is the layers of one resolution. None = all in end_to_end; in
    features, where what comes out of the frozen rest is kept, the head alone."""
    cut: str | None = None
    """Layer whose output is kept, by name; what comes after it is trained with the
    head. None = where model.trainable_stages says. features only."""
    freeze_batch_norm: bool = False
    """Keep all of the backbone's BatchNorm in inference mode, also where its layers
    train. In features mode only with model.trainable_stages or model.cut."""


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate moves between start, peak and end of a run."""

    name: ScheduleName = "cosine"
    """Shape of the learning rate over the run; ramp is the codelab's."""
    warmup: str | None = None
    """Length of the rise to the peak: "5%" of the run, "3 epochs" or "100 steps". None
    = "45%" for one_cycle, so that it takes as long as the way back; else "5%"."""
    hold: str = "0 steps"
    """Time at the peak after the rise: a duration as above."""
    start: float | None = None
    """Learning rate that the rise starts from, 0..peak. None = one of the equal stairs
    of the rise; for ramp the codelab's 1e-5; for one_cycle a tenth of the peak."""
    floor: float = 0.0
    """Learning rate that the fall goes towards, 0..peak; the codelab's is 1e-5."""
    decay: float = 0.8
    """Factor of the fall, above 0, at most 1: per epoch for ramp and exponential, at
    each period for step, at each boundary for multistep, on each plateau, on the height
    of each cycle of cyclic (1 = Smith's)."""
    period: str = "10 epochs"
    """step: time between two drops; cyclic: time from floor to peak; plateau: time
    without a lower validation loss before a drop, in whole epochs."""
    boundaries: tuple[str, ...] = ("50%", "75%")
    """multistep: when the rate drops, durations since the start of the run."""
    power: float = 1.0
    """polynomial: exponent of the fall, 0.1..10."""
    function: str | None = None
    """custom: "module:function", called with (step, total_steps, peak), or a list of
    rates, each with where it begins: "0:1e-3,50%:1e-4"."""

    @property
    def rise(self) -> str:
        """Length of the rise, also where `warmup` does not say it."""
        if self.warmup is not None:
            return self.warmup
        return "45%" if self.name == "one_cycle" else "5%"


@dataclass(frozen=True)
class OptimizerConfig:
    """How weights move."""

    name: OptimizerName = "adam"
    """Update rule."""
    learning_rate: float = 1e-3
    """Peak learning rate on one replica, above 0."""
    replica_scaling: ScalingName = "linear"
    """How the peak grows with the number of replicas N: none, sqrt(N) or N."""
    momentum: float = 0.9
    """sgd, rmsprop, muon: share of the last update that is kept, 0..0.9999."""
    nesterov: bool = True
    """sgd, muon: look ahead along the momentum."""
    beta_1: float | None = None
    """Adam family: decay of the mean gradient, 0..0.9999; None = Keras's."""
    beta_2: float | None = None
    """Adam family: decay of the mean square, 0..0.99999; None = Keras's."""
    rho: float | None = None
    """rmsprop, adadelta: decay of the mean square, 0..0.9999; None = Keras's."""
    epsilon: float | None = None
    """Kept away from zero by this much, 1e-12..1; None = Keras's."""
    weight_decay: float = 0.0
    """Decoupled weight decay of kernels, per step and unit of learning rate, 0..1; adam
    with it is adamw."""
    clip_norm: float = 0.0
    """Largest norm of all gradients together, above 0; 0 = no limit."""
    clip_value: float = 0.0
    """Largest size of one element of a gradient, above 0; 0 = no limit."""
    ema: float = 0.0
    """Momentum of the moving average of the weights that is kept as the model,
    0.5..0.99999; 0 = none."""
    accumulate: int = 1
    """Batches whose gradients are averaged for one update, 1..1024."""
    stage_decay: float = 1.0
    """Factor on the learning rate for each backbone stage further from the output,
    above 0, at most 1 (discriminative learning rates). end_to_end only."""


@dataclass(frozen=True)
class LossConfig:
    """What is minimized."""

    name: LossName = "cross_entropy"
    """focal gives hard examples more weight."""
    label_smoothing: float = 0.0
    """Share of each label spread over all classes, 0..0.5."""
    focal_gamma: float = 2.0
    """focal: exponent on the wrong probability, 0..10."""
    class_weights: ClassWeightsName = "none"
    """balanced: a class counts in inverse proportion to its training images."""
    l1: float = 0.0
    """Penalty on the sum of absolute kernel weights, 0..1."""
    l2: float = 0.0
    """Penalty on the sum of squared kernel weights, 0..1."""


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how."""

    mode: TrainingMode = "features"
    """features: run the frozen network once, train its head; end_to_end: train all."""
    epochs: int = 30
    """Passes over as many images, or kept features of some view, as the training split
    holds, 1..10000; fewer when the validation loss stops falling."""
    batch_size: int = 64
    """Images per replica and step, 1..65536; the global batch is this x replicas."""
    patience: int = 10
    """Epochs without a lower validation loss before training ends, 1..10000; 0 = train
    all epochs. The best epoch's weights are kept either way."""
    views: int = 1
    """Augmented copies of each image whose features are kept, 0..50; features only."""
    engine: EngineName = "auto"
    """What computes the features: auto = ONNX Runtime where installed, else Keras;
    features only."""
    feature_dtype: FeatureDtype = "float32"
    """Number format of the features on disk; features only."""
    checkpoint_seconds: float = 30.0
    """Least time between two checkpoints of an unfinished run in seconds, 0..86400; 0 =
    after every step."""
    deterministic: bool = False
    """Use only kernels that give the same bits each time (slower on some hardware): a
    resumed run then equals one that was never interrupted."""
