"""Weights: the table of models, how their files are downloaded, and how loaded models share one GPU.

What a backend calls:

- `table.MODELS["flux-fill"]`: its license, size, memory and files;
- `store.folder_of(model, path, accept_noncommercial)`: the folder with its files, downloaded if missing;
- `pretrained.pretrained(class, folder)`: a complete model of transformers; `read_tokenizer`: its tokenizer;
- `residence.resident(key, load, need_gb)`: the loaded model; large models take turns;
- `residence.Ladder(model, asked)`: runs work under the policy that fits the GPU, and steps down when the GPU is full.

`residence` imports torch; only `hub` and `direct` use the network.
"""
