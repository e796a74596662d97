"""Records of many kinds, made up from a seed: what bench/engine.py stores. Each makes the number-th record, as JSON."""
import base64
import json

START_MS = 1793491200000
NEEDLE = '7d1c9e52-4b0a-4f7e-9c3d-5ee1ab1e5eed'
WORDS = ('the model layer gradient loss of data and batch token attention head value norm residual weight optimizer step rank '
         'checkpoint shard expert router queue worker stream tensor kernel memory device host link switch packet retry').split()
ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'


def hexadecimal(rng, digits):
    return '%0*x' % (digits, rng.getrandbits(4 * digits))


def uuid(rng):
    return '-'.join(hexadecimal(rng, digits) for digits in (8, 4, 4, 4, 12))


def training(rng, number):
    """Metrics and lines of 64 ranks in lock step."""
    step, rank, kind = number // 320 + 1, number // 5 % 64, number % 5
    base = {'timestamp': START_MS + step * 1500 + rng.randrange(1500), 'node_rank': rank // 8, 'rank': rank, 'step': step}
    if kind == 0:
        return {**base, 'stream': 'metric', 'loss': round(1.8 + 9 / step + rng.gauss(0, .05), 4), 'gradient_norm': round(rng.random(), 4),
                'gpu_memory_usage': round(61 + rng.random(), 2), 'throughput_tokens_per_sec': round(rng.gauss(78400, 900), 1)}
    lines = (f"iteration {step}/100000 | lm loss: {1.8 + rng.random():.6E} | elapsed {1.5 + rng.random() * .1:.3f} s",
             f"node{rank // 8:03d}:{20000 + rank}:{21000 + rank} [{rank % 8}] NCCL INFO AllReduce: opCount {step * 7:x} sendbuff 0x{hexadecimal(rng, 12)}",
             f"worker {rng.randrange(8)} fetched batch {step}: ids [{rng.randrange(9 * 10**7)}, {rng.randrange(9 * 10**7)}] in {3 + 20 * rng.random():.2f} ms",
             f"request_id={uuid(rng)} took {rng.randrange(90000)} us",
             f"[INFO:{rng.choice(WORDS)}.{rng.choice(WORDS)}] {rng.choice(WORDS)} {rng.choice(WORDS)} {rng.randrange(512)} of 512")
    text = rng.choice(lines)
    if number == 70003:
        text = f'resume token {NEEDLE} accepted'
    if number == 90001:
        text = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 4.20 GiB.'
    return {**base, 'stream': 'stdout', 'msg': text}


def line(rng, number, text, **fields):
    return {'timestamp': START_MS + number * 7, 'rank': number % 8, 'stream': 'stdout', 'msg': text, **fields}


def prose(rng, number):
    return line(rng, number, ' '.join(rng.choice(WORDS) for _ in range(rng.randrange(8, 60))).capitalize() + '.')


def long(rng, number):
    return line(rng, number, '\n'.join(f'  File "/opt/{rng.choice(WORDS)}/{rng.choice(WORDS)}.py", line {rng.randrange(900)}, in {rng.choice(WORDS)}'
                                       for _ in range(rng.randrange(20, 200))))


def chinese(rng, number):
    return line(rng, number, f'第{number // 8}步 训练损失{rng.random() * 3:.4f} ' + ''.join(chr(0x4e00 + int(rng.expovariate(.01)) % 3000) for _ in range(rng.randrange(5, 40))))


def wide(rng, number):
    return {'timestamp': START_MS + number * 50, 'rank': number % 8, 'stream': 'metric', 'step': number // 8,
            **{f'layer{i}/grad_norm': round(rng.lognormvariate(0, .1), 5) for i in range(60)}}


def tiny(rng, number):
    return {'timestamp': START_MS + number, 'rank': number % 8, 'msg': rng.choice(('ok', 'step', f'{number % 100}%', '.'))}


def tokens(rng, number):
    return line(rng, number, ' '.join(''.join(rng.choice(ALPHABET) for _ in range(22)) for _ in range(4)))


def json_lines(rng, number):
    """An application whose lines are JSON texts."""
    return line(rng, number, json.dumps({
        'ts': f'2026-11-01T00:{number // 60000 % 60:02d}:{number // 1000 % 60:02d}.{number % 1000:03d}Z', 'severity': rng.choice(('INFO', 'INFO', 'WARN', 'DEBUG')),
        'logger': f'svc.{rng.choice(WORDS)}', 'trace_id': hexadecimal(rng, 32), 'user': rng.randrange(10**6),
        'message': f'{rng.choice(WORDS)} {rng.choice(WORDS)} took {rng.random() * 90:.3f} ms', 'ok': rng.random() < .9}))


def java(rng, number):
    """A third of the lines with a stack trace."""
    head = f'{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d},{rng.randrange(1000):03d} WARN [pool-{rng.randrange(16)}-thread-{rng.randrange(64)}] o.a.s.{rng.choice(WORDS).capitalize()}Manager - task {rng.randrange(10**5)} failed'
    frames = [f'\tat org.apache.spark.{rng.choice(WORDS)}.{rng.choice(WORDS).capitalize()}.{rng.choice(WORDS)}({rng.choice(WORDS).capitalize()}.scala:{rng.randrange(900)})'
              for _ in range(rng.randrange(8, 30) if rng.random() < .33 else 0)]
    return line(rng, number, '\n'.join([head, *(['java.io.IOException: Connection reset by peer'] if frames else []), *frames]))


def logfmt(rng, number):
    return line(rng, number, f'level=info ts=2026-11-01T00:{number // 60000 % 60:02d}:{number // 1000 % 60:02d}.{number % 1000:03d}Z caller={rng.choice(WORDS)}.go:{rng.randrange(900)} '
                             f'component={rng.choice(WORDS)} addr=10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)}:{rng.randrange(30000, 60000)} '
                             f'msg="{rng.choice(WORDS)} {rng.choice(WORDS)} done" duration={rng.random() * 30:.6f}s bytes={rng.randrange(10**7)}')


def megatron(rng, number):
    """Lines of Megatron-LM and DeepSpeed."""
    step = number // 4 + 1
    return line(rng, number, (
        f' [2026-11-01 00:{step // 60 % 60:02d}:{step % 60:02d}] iteration {step:8d}/  500000 | consumed samples: {step * 1024:12d} | elapsed time per iteration (ms): {9000 + rng.random() * 900:.1f} | learning rate: {3e-4 * rng.random():.6E} | global batch size:  1024 | lm loss: {2 + rng.random():.6E} | loss scale: 1.0 | grad norm: {rng.random():.3f} | number of skipped iterations:   0 | number of nan iterations:   0 |',
        f'[2026-11-01 00:{step // 60 % 60:02d}:{step % 60:02d},{rng.randrange(1000):03d}] [INFO] [logging.py:96:log_dist] [Rank 0] step={step}, skipped=0, lr=[{3e-4 * rng.random():.16f}], mom=[(0.9, 0.95)]',
        f'steps: {step} loss: {2 + rng.random():.4f} iter time (s): {9 + rng.random():.3f} samples/sec: {100 + 20 * rng.random():.3f}',
        f'(min, max) time across ranks (ms):\n    forward-backward ...............................: ({8000 + rng.random() * 90:.2f}, {8100 + rng.random() * 90:.2f})\n    optimizer ......................................: ({90 + rng.random() * 9:.2f}, {99 + rng.random() * 9:.2f})')[number % 4], step=step)


def lumps(rng, number):
    """Base64, as of an image."""
    return line(rng, number, f'sample {number} png ' + base64.b64encode(rng.randbytes(rng.randrange(100, 900))).decode())


def fields(rng, number):
    """Twelve of 5,000 names in each record."""
    return {'timestamp': START_MS + number * 7, 'rank': number % 8, 'stream': 'metric', **{f'f{rng.randrange(5000)}': round(rng.random() * 100, 3) for _ in range(12)}}


RUSSIAN = ('обучение ошибка память узел ранг градиент потеря шаг эпоха загрузка данные модель соединение таймаут процесс ожидание завершён '
           'устройство недостаточно превышено значение параметр слой оптимизатор контрольная точка сохранена восстановление').split()
KOREAN = '학습 오류 메모리 노드 순위 기울기 손실 단계 에폭 불러오기 데이터 모델 연결 시간초과 프로세스 대기 완료 시작 장치 부족 초과 값 매개변수 계층 최적화 체크포인트 저장 복원'.split()


def sentence(rng, words, endings):
    return ' '.join(rng.choice(words) + rng.choice(endings) for _ in range(rng.randrange(4, 14))) + rng.choice(('.', f': {rng.randrange(10**5)}', '!'))


def russian(rng, number):
    return line(rng, number, sentence(rng, RUSSIAN, ('', '', 'а', 'ы')).capitalize())


def korean(rng, number):
    return line(rng, number, sentence(rng, KOREAN, ('', '', '에', '는')))


def syslog(rng, number):
    return line(rng, number, f'Nov  1 00:{number // 600 % 60:02d}:{number // 10 % 60:02d} node{rng.randrange(64):03d} ' + (
        f'kernel: [{rng.random() * 1e5:.6f}] eth{rng.randrange(4)}: link {rng.choice(("up", "down"))}',
        f'sshd[{rng.randrange(9999)}]: Accepted publickey for {rng.choice(WORDS)} from 10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)} port {rng.randrange(65536)} ssh2: RSA SHA256:{"".join(rng.choice(ALPHABET) for _ in range(43))}',
        f'systemd[1]: Started Session {rng.randrange(10**5)} of user {rng.choice(WORDS)}.',
        f'CRON[{rng.randrange(9999)}]: ({rng.choice(WORDS)}) CMD (/usr/lib/{rng.choice(WORDS)}/{rng.choice(WORDS)} --{rng.choice(WORDS)} {rng.randrange(100)})',
        f'slurmd[{rng.randrange(9999)}]: task/affinity: job {rng.randrange(10**6)} cpus 0x{hexadecimal(rng, 16)} on {rng.choice(WORDS)}')[number % 5])


def nested(rng, number):
    """JSON texts of no fixed form."""
    fault = {'type': rng.choice(WORDS), 'stack': [f'{rng.choice(WORDS)}.py:{rng.randrange(999)}' for _ in range(10)]}
    return line(rng, number, json.dumps({
        't': number * 7 + rng.randrange(7), 'run': {'id': rng.choice(WORDS), 'lr': round(rng.random() * 1e-3, 7), 'layers': [rng.randrange(99) for _ in range(rng.randrange(8))], 'tags': rng.sample(WORDS, rng.randrange(5))},
        'm': {rng.choice(WORDS): round(rng.random(), 4) for _ in range(rng.randrange(6))}, 'err': fault if rng.random() < .1 else None}))


def csv(rng, number):
    return line(rng, number, f'{number},{rng.random() * 10:.4f},{rng.random():.6e},{rng.choice(WORDS)},{rng.randrange(10**6)},{rng.choice(("true", "false", ""))},2026-11-01 00:{number // 60 % 60:02d}:{number % 60:02d},{rng.randrange(8)},{rng.gauss(0, 1):.3f}')


def names(rng, number):
    """CamelCase, snake_case, paths."""
    return line(rng, number, f'{rng.choice(WORDS).capitalize()}{rng.choice(WORDS).capitalize()}V{rng.randrange(9)}[{rng.choice(WORDS)}_{rng.randrange(10**4)}@{rng.choice(WORDS)}-{rng.randrange(64)}] -> {rng.choice(WORDS)}/{rng.choice(WORDS)}/{hexadecimal(rng, 10)}.bin ok')


def two_words(rng, number):
    return line(rng, number, f'{rng.choice(WORDS)} {rng.choice(WORDS)}')


ARABIC = 'خطأ في الذاكرة العقدة الرتبة التدرج الخسارة الخطوة الحقبة تحميل البيانات النموذج الاتصال انتهت المهلة العملية انتظار اكتمل الجهاز القيمة الطبقة المحسن نقطة الحفظ استعادة'.split()
KANJI = '学習損失勾配率節点順位段階世代読込情報模型接続時間切処理待機完了開始装置不足超過値変数層最適化保存復元記憶域通信同期失敗再試行警告'
KANA = 'のがをにはでとしてされたますからまでよりエラーメモリノードランクステップデータモデルプロセス'


def arabic(rng, number):
    return line(rng, number, sentence(rng, ARABIC, ('', '', 'ة', 'ها')))


def japanese(rng, number):
    """Without blanks, as it is written."""
    words = (rng.choice(KANJI) + rng.choice(KANJI) + ''.join(rng.choice(KANA) for _ in range(rng.randrange(1, 4))) for _ in range(rng.randrange(3, 15)))
    return line(rng, number, ''.join(words) + rng.choice(('。', f'（{rng.randrange(10**5)}）', f'：{rng.random() * 9:.4f}')))


def emoji(rng, number):
    return line(rng, number, f'{chr(0x1f600 + rng.randrange(80))} epoch {number // 800} {chr(0x1f680 + rng.randrange(64))}{chr(0x2600 + rng.randrange(100))} {rng.choice(WORDS)} '
                             f'{"▇" * rng.randrange(1, 20)} {rng.randrange(101)}% {rng.choice("✅❌⚡🔥💾🚀")} {rng.random() * 9:.2f}s')


def access(rng, number):
    """Of nginx."""
    agent = rng.choice(('curl/7.88.1', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', f'python-requests/2.{rng.randrange(32)}.0', 'kube-probe/1.29'))
    return line(rng, number, f'10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)} - {rng.choice(("-", "-", rng.choice(WORDS)))} [01/Nov/2026:00:{number // 6000 % 60:02d}:{number // 100 % 60:02d} +0000] '
                             f'"{rng.choice(("GET", "GET", "GET", "POST", "PUT"))} /api/{rng.choice(WORDS)}/{rng.randrange(10**6)}/{rng.choice(WORDS)}?page={rng.randrange(50)}&q={rng.choice(WORDS)}+{rng.choice(WORDS)} HTTP/1.1" '
                             f'{rng.choice((200, 200, 200, 304, 404, 502))} {rng.randrange(10**5)} "https://{rng.choice(WORDS)}.example.com/{rng.choice(WORDS)}" "{agent}" {rng.random() * 2:.3f}')


def yaml(rng, number):
    """Settings, dumped."""
    def block(depth):
        for name in rng.sample(WORDS, rng.randrange(2, 6)):
            if depth < 3 and rng.random() < .35:
                yield f'{"  " * depth}{name}:'
                yield from block(depth + 1)
            else:
                yield f'{"  " * depth}{name}: {rng.choice((rng.randrange(10**4), round(rng.random(), 6), rng.choice(WORDS), "null", "true", f"[{rng.randrange(9)}, {rng.randrange(9)}]"))}'
    return line(rng, number, '\n'.join(block(0)))


def traces(rng, number):
    """Nothing but stack traces of Python."""
    frames = '\n'.join(f'  File "/usr/lib/python3.11/site-packages/{rng.choice(WORDS)}/{rng.choice(WORDS)}_{rng.choice(WORDS)}.py", line {rng.randrange(2000)}, in {rng.choice(WORDS)}_{rng.choice(WORDS)}\n    return self.{rng.choice(WORDS)}({rng.choice(WORDS)}, **{rng.choice(WORDS)})'
                       for _ in range(rng.randrange(4, 16)))
    return line(rng, number, f'Traceback (most recent call last):\n{frames}\n{rng.choice(("ValueError", "RuntimeError", "KeyError"))}: {rng.choice(WORDS)} {rng.choice(WORDS)} {rng.randrange(10**4)}')


def events(rng, number):
    """Records with fields of their own: some of 40 names, numbers, texts and nested values."""
    values = (lambda: rng.randrange(10**6), lambda: round(rng.random() * 100, 3), lambda: rng.choice(WORDS), lambda: rng.random() < .5, lambda: hexadecimal(rng, 16), lambda: [rng.randrange(9) for _ in range(3)])
    names = rng.sample(range(40), rng.randrange(2, 12))
    return {'timestamp': START_MS + number * 7, 'rank': number % 8, 'stream': 'event', 'msg': f'{rng.choice(WORDS)}.{rng.choice(WORDS)}', **{f'{WORDS[name % len(WORDS)]}_{name}': values[name % 6]() for name in names}}


WORKLOADS = {f.__name__: f for f in (training, prose, long, chinese, wide, tiny, tokens, json_lines, java, logfmt, megatron, lumps, fields, russian, korean, syslog, nested, csv, names,
                                    two_words, arabic, japanese, emoji, access, yaml, traces, events)}
