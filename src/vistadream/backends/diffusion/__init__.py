"""What backends that paint with a diffusion model share: FLUX.1-Fill, FLUX.2-klein.

- `parts.read_part(class, folder)`: one part of a diffusers folder, on the CPU, mapped from its file;
- `placement`: where a part lies and how it is stored under each memory policy;
- `prompts.PromptCache`: prompts already encoded, on disk, so that no text encoder is loaded for them;
- `progress.tell_steps`: the callback that tells the run's observer of each denoising step;
- `outpainter.DiffusionOutpainter`: the knobs of outpainters, and their working size; `outpainter.whole_tokens`: a mask
  that no shrinking can lose a hole of;
- `ops.working_size.WorkingSize`: a size that the model can paint; `ops.compositing.composite`: the paste at the end.

A backend cuts its work in three pieces, each run by its `weights.residence.Ladder`, so that a full card costs the
piece that filled it and no more: the prompt (text encoders), the latents (transformer), the picture (decoder).
"""
