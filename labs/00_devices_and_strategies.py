# %% [markdown]
# # Lab 00: What will my model run on?
#
# A TPU, a GPU and a CPU differ in how many multiplications they do at once. Keras code is
# the same on all of them; a *strategy* says how a batch is shared out. This lab finds out
# what is here, and checks on a number that sharing changes nothing.
#
# **Predict first:** how many replicas will `resolve_accelerator` find on this machine?

# %%
import kerastpu

backend = kerastpu.backend.select()  # has to come before `import keras`
accelerator = kerastpu.resolve_accelerator()
print(accelerator.describe())
for reason in accelerator.reasons:
    print(" -", reason)

# %% [markdown]
# ## The global batch
#
# Each *replica* (a TPU core, a GPU, or the one CPU) works on its share of the batch. What
# you hand to `fit` is the **global batch**: share x replicas.

# %%
for per_replica in (8, 32, 128):
    print(per_replica, "per replica ->", accelerator.global_batch(per_replica))

# %% [markdown]
# ## bfloat16: half the bits, the same range
#
# A TPU multiplies in bfloat16: a float32 without its last 16 bits. The exponent stays, so
# 1e38 still fits; what is lost is precision: about 3 decimal digits are left.
#
# **Predict first:** which of these numbers survive unchanged?

# %%
import numpy as np

NUMBERS = np.array([1.0, 1.5, 3.14159265, 257.0, 1e38, 1e-30], np.float32)
bits = NUMBERS.view(np.uint32)
truncated = (bits & np.uint32(0xFFFF0000)).view(np.float32)
for number, short in zip(NUMBERS, truncated, strict=True):
    print(f"{number:>14.8g} -> {short:>14.8g}  {'same' if number == short else ''}")

# %% [markdown]
# ## One model, built where it will run

# %%
with accelerator.scope():
    model = kerastpu.models.build(
        "squeezenet", input_shape=(192, 192, 3), num_classes=5
    )
print(f"{model.count_params():,} parameters")

# %% [markdown]
# ## Checks

# %%
relative_error = np.abs(truncated - NUMBERS) / NUMBERS
if relative_error.max() >= 2**-7:
    raise SystemExit("bfloat16 keeps 8 significant bits: an error below 1/128")
if model.count_params() != 120_613:
    raise SystemExit("the codelab's SqueezeNet has 120,613 parameters")
if accelerator.global_batch(8) != 8 * accelerator.num_replicas:
    raise SystemExit("the global batch is the share of one replica times the replicas")
print("all checks passed")
