"""EfficientNet-Lite0 in PyTorch, as `kerastpu/models/efficientnet_lite.py` has it.

Nothing of this project is imported: PyTorch may live in another environment.
"""

import torch
from torch import nn
from torch.nn import functional

# repeats, kernel, stride, expansion, filters
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
DROP_CONNECT, DROPOUT, NUM_BLOCKS = 0.2, 0.2, 16


def unit(inputs, outputs, kernel=1, stride=1, groups=1, *, is_linear=False):
    """Returns convolution, BatchNorm and ReLU6."""
    layers = [
        nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
    ]
    return layers if is_linear else [*layers, nn.ReLU6(inplace=True)]


class Block(nn.Module):
    """Expands, convolves each channel, projects, and adds the input where it fits."""

    def __init__(self, inputs, outputs, kernel, stride, expansion, drop):
        super().__init__()
        middle = inputs * expansion
        self.body = nn.Sequential(
            *(unit(inputs, middle) if expansion > 1 else ()),
            *unit(middle, middle, kernel, stride, middle),
            *unit(middle, outputs, is_linear=True),
        )
        self.is_residual = stride == 1 and inputs == outputs
        self.drop = drop

    def forward(self, x):
        """Returns (batch, outputs, rows, columns)."""
        y = self.body(x)
        if not self.is_residual:
            return y
        if self.drop:
            kept = (torch.rand(len(y), 1, 1, 1) >= self.drop).float()
            y = y * kept / (1 - self.drop)
        return x + y


def build(num_classes):
    """Returns the network, in training mode."""
    layers, inputs, index = unit(3, 32, 3, 2), 32, 0
    for repeats, kernel, stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            step = 1 if repeat else stride
            drop = DROP_CONNECT * index / NUM_BLOCKS
            layers.append(Block(inputs, outputs, kernel, step, expansion, drop))
            inputs, index = outputs, index + 1
    layers += unit(inputs, 1280)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(DROPOUT))
    return nn.Sequential(*layers, *head, nn.Linear(1280, num_classes)).train()


def stepper(batch, size, num_classes, layout):
    """Returns a function that takes a number of training steps on a ready batch."""
    model = build(num_classes).to(memory_format=layout)
    images = torch.rand(batch, 3, size, size).to(memory_format=layout)
    labels = torch.arange(batch) % num_classes
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

    def run(num_steps):
        for _ in range(num_steps):
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

    return run
