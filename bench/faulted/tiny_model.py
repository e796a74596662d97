"""Writes a tiny Qwen2 with random weights, its tokenizer and a data set: tiny_model.py FOLDER."""
import json, random, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
where = sys.argv[1]; random.seed(1)
words = "loss rank step node token batch train model data log".split()
rows = [" ".join(random.choices(words, k=12)) for _ in range(64)]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer.train_from_iterator(rows, trainers.BpeTrainer(
    vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
fast.chat_template = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
fast.save_pretrained(where + "/model")
config = Qwen2Config(vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                     num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=512,
                     eos_token_id=2, pad_token_id=0)
Qwen2ForCausalLM(config).save_pretrained(where + "/model")
with open(where + "/data.jsonl", "w") as file:
    for row in rows:
        turns = [{"role": "user", "content": row}, {"role": "assistant", "content": row[:40]}]
        file.write(json.dumps({"messages": turns}) + "\n")
