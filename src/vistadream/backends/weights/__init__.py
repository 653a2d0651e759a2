"""Weights: the table of models, how their files are downloaded, and how loaded models share one GPU.

What a backend calls:

- `table.MODELS["flux-fill"]`: its license, size, memory and files;
- `store.folder_of(model, path, accept_noncommercial)`: the folder with its files, fetched when they are not here;
- `pretrained.pretrained(class, folder)`: a model of transformers, whole; `read_tokenizer` its tokenizer;
- `residence.resident(key, load, need_gb)`: the loaded model; big ones take turns;
- `residence.Ladder(model, asked)`: work under the policy that fits the card, which steps down when the card is full.

`residence` imports torch; only `hub` and `direct` reach the network.
"""
