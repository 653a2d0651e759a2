"""What the backends with a diffusion model share: FLUX.1-Fill, FLUX.2-klein.

- `parts.read_part(class, folder)`: one part of a diffusers folder, on the CPU, mapped from its file;
- `plan.plans`: which blocks of a network stay on the card and which are streamed, within a budget of memory;
- `placement`, `streaming`: put a network where a plan says; `trial`: tries plans where the fastest is not known;
- `prompts.PromptCache`: encoded prompts on disk, so that no text encoder is loaded for them again;
- `progress.report_steps`: the callback that reports each denoising step to the run's observer;
- `outpainter.DiffusionOutpainter`: the knobs of outpainters, and their working size; `outpainter.whole_tokens`: a mask
  that keeps every hole when it is shrunk to tokens;
- `working_size.WorkingSize`: a size that the model can paint; `compositing.composite`: the paste at the end.

A backend splits its work into three pieces, each run by its `weights.residence.Ladder`, so that a full GPU costs only
the piece that filled it: the prompt (text encoders), the latents (transformer), the picture (decoder).
"""
