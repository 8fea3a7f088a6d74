#!/usr/bin/env python3
"""Checks an nsecBunker audit export (JSONL) with nothing but this page and Python 3.
    verify_audit.py export.jsonl [--key AUDIT_KEY_HEX] [--held CHECKPOINTS.jsonl]
hash(n) = SHA-256(hash(n-1) + body(n)), hash(0) = 32 zero bytes; a checkpoint is hash(n), signed (BIP-340) by the audit key.
Give --key (from your first export or session) and --held (checkpoints that were handed to you earlier): what is in the
export alone proves only that it agrees with itself. Exit code 0: whole, 1: not, 2: cannot be read."""
import argparse, hashlib, json, re, sys
P, N = 2**256 - 2**32 - 977, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

def add(a, b):
    if a is None or b is None: return a or b
    if a[0] == b[0] and a[1] != b[1]: return None
    m = (3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)) % P
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P

def mul(p, k):
    r = None
    while k: r, p, k = add(r, p) if k & 1 else r, add(p, p), k >> 1
    return r

def bip340(key, message, sig):
    x, r, s = int.from_bytes(key, 'big'), int.from_bytes(sig[:32], 'big'), int.from_bytes(sig[32:], 'big')
    y = pow((x**3 + 7) % P, (P + 1) // 4, P)
    if x >= P or r >= P or s >= N or len(key) != 32 or len(sig) != 64 or y * y % P != (x**3 + 7) % P: return False
    tag = hashlib.sha256(b'BIP0340/challenge').digest()
    e = int.from_bytes(hashlib.sha256(tag + tag + sig[:32] + key + message).digest(), 'big') % N
    point = add(mul(G, s), mul((x, y if y % 2 == 0 else P - y), N - e))
    return point is not None and point[1] % 2 == 0 and point[0] == r

def main(args):
    lines = open(args.export, encoding='utf-8').read().split('\n')
    head, last, first, missing, faults, held, upto = bytes(32), 0, True, set(), [], {}, 0
    tenant = json.loads(lines[0])['tenant']
    def meet(n):
        nonlocal upto
        for c in held.pop(n, []):
            if c['head'] == head.hex(): upto = max(upto, n)
            else: faults.append((n, f'rewritten: record {n} does not have the head of the checkpoint signed then'))
    def checkpoint(c):
        text = f"nsecbunker/checkpoint/1\n{c['tenant']}\n{c['incarnation']}\n{c['seq']}\n{c['head']}\n{c['time']}\n"
        ok = bip340(bytes.fromhex(c['key']), hashlib.sha256(text.encode()).digest(), bytes.fromhex(c['sig']))
        if not ok or text.count('\n') != 6 or c['tenant'] != tenant or args.key not in (None, c['key']):
            faults.append((c['seq'], f"forged: the checkpoint at record {c['seq']} has a wrong signature, key or tenant"))
        elif c['seq'] < last: faults.append((c['seq'], f"swapped: the checkpoint at record {c['seq']} is out of its place"))
        else: held.setdefault(c['seq'], []).append(c)
        if c['seq'] == last: meet(last)
    for line in map(json.loads, open(args.held, encoding='utf-8') if args.held else []): checkpoint(line.get('checkpoint', line))
    for number, line in enumerate(filter(None, lines[1:]), 2):
        record = re.fullmatch(r'\{"hash":"([0-9a-f]{64})","record":(\{.*\})\}', line)
        try: parsed = json.loads(record[2] if record else line)
        except ValueError: parsed = {}
        if not record and 'checkpoint' in parsed: checkpoint(parsed['checkpoint'])
        elif not record or 'seq' not in parsed: faults.append((last + 1, f'garbled: line {number} cannot be read'))
        else:
            n, given = parsed['seq'], bytes.fromhex(record[1])
            if first and n > 1 and held.get(n - 1): last, head = n - 1, bytes.fromhex(held[n - 1][0]['head'])
            first = meet(last)  # an export may begin after a pruned part, at its checkpoint
            if parsed.get('tenant') != tenant: faults.append((n, f'foreign: record {n} is of another tenant'))
            if n <= last: faults.append((n, f'swapped: record {n} is out of its place' if n in missing else f'inserted: a second record {n}'))
            elif n > last + 1: missing.update(range(last + 1, min(n, last + 10**6)))
            elif hashlib.sha256(head + record[2].encode()).digest() != given:
                faults.append((n, f'edited: record {n} (or {n - 1} and its hash) was changed'))
            missing.discard(n)
            if n > last: last, head = n, given
            meet(last)
    faults += [(n, f'deleted: record {n} is missing') for n in missing]
    faults += [(n, f'cut: the chain stops at record {last}, a checkpoint was signed at {n}') for n in held if n > last]
    print(*(text for _, text in sorted(faults)), sep='\n', end='\n' if faults else '')
    print(f'{"NOT whole" if faults else "whole"}: {last} records, in agreement with the checkpoints up to record {upto}')
    return 1 if faults else 0

if __name__ == '__main__':
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('export'), options.add_argument('--key'), options.add_argument('--held')
    try: sys.exit(main(options.parse_args()))
    except (OSError, ValueError, KeyError, TypeError) as e: sys.exit(print(f'cannot be read: {e!r}') or 2)
