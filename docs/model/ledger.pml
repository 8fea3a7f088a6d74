/* ledger.pml - the path of a request that a rule allows or denies, as the code has it (docs/model/README.md maps the labels to it).
 *
 * Two instances, one store, one or two request events, one rule with a budget shared by two connections.
 * A d_step on store variables is one transaction. What an Inst holds in locals is lost in a crash.
 * Every time-out (sweep, give-up, lock, revoke, re-send) may fire at any moment: no safety result rests on a clock.
 *
 * Each switch takes one safeguard out of the code ("bad" checks must then find a counterexample). The default is the code.
 *  VERCHK  1 versions checked inside the transaction  0 not at all   2 read first, written later (READ COMMITTED without the lock)
 *          3 the key's lock *flag* instead of its version
 *  BGUARD  1 UPDATE budget ... WHERE used < limit     0 the budget is only looked at when deciding
 *  UNIQUE  1 the request row's unique key             0 a plain write
 *  STORED  1 only stored bytes are published          0 the bytes in memory are, also when COMMIT's outcome is unknown
 *  SWEEP   2 any instance, any row, any time          1 own rows after the own restart    0 none
 *  DUPREPLY 1 a known event that comes again gets the stored reply again     0 silence
 *  PRUNE   0 never   1 when delivered   2 when stale, freshness checked on arrival only   3 ... and again in the commit (the code)
 *  GIVEUP  1 the sweep lists what no relay accepted as undeliverable         REVIVE 1 the same event, or an admin, takes it up again
 *  RESEND  1 a client without an answer sends the same event again
 */
#ifndef VERCHK
#define VERCHK 1
#endif
#ifndef BGUARD
#define BGUARD 1
#endif
#ifndef UNIQUE
#define UNIQUE 1
#endif
#ifndef STORED
#define STORED 1
#endif
#ifndef SWEEP
#define SWEEP 2
#endif
#ifndef DUPREPLY
#define DUPREPLY 1
#endif
#ifndef PRUNE
#define PRUNE 0
#endif
#ifndef GIVEUP
#define GIVEUP 0
#endif
#ifndef REVIVE
#define REVIVE 1
#endif
#ifndef RESEND
#define RESEND 1
#endif
#ifndef REVOKES
#define REVOKES 1
#endif
#ifndef LOCKS
#define LOCKS 1
#endif
#ifndef MAXCRASH
#define MAXCRASH 2
#endif
#ifndef MAXLOSS
#define MAXLOSS 1
#endif
#ifndef MAXSPUR
#define MAXSPUR 1
#endif
#ifndef EVENTS
#define EVENTS 1   /* 2: a second client's event shares the budget (run with fewer faults) */
#endif
#ifndef BUDGET
#define BUDGET 1
#endif
/* states of a request's row, as in states.tsv */
#define NONE 0
#define READY 1
#define DELIVERED 2
#define UNDELIVERABLE 3
/* decisions; a reply's value is decision + nonce bit: 2,3 a signature, 4,5 a refusal */
#define ALLOW 2
#define DENY 4
#define isSig(v) ((v) == 2 || (v) == 3)

/* ---- the store (durable) ---- */
byte st[2], reply[2], owner[2];
byte used;                /* of the shared budget */
byte allows[2];           /* audit: 'allow' records of event e */
bool revoked;             /* connection of event 0: its version */
byte kver; bool locked;   /* the user key's lock flag and version */
/* ---- the wire ---- */
bool net[4];              /* copy of event e on its way to instance i: net[i*2+e] */
bool stale[2];            /* created_at is outside the freshness window */
/* ---- ghosts, for the properties only ---- */
byte seen[2];             /* what anybody ever saw as the reply to e */
bool answered[2], rel[2], badcommit[2];
byte released, crashes, losses, spur, gone, gaveup;

#if VERCHK == 3
#define moved(E) (rv != (E == 0 && revoked) || kf != locked)
#else
#define moved(E) (rv != (E == 0 && revoked) || kv != kver)
#endif
#define CRASH if :: atomic { (crashes < MAXCRASH) -> crashes++; goto down } :: true fi

inline observe(E, V) {   /* the safety properties, checked at the only place where anything gets out */
  assert(seen[E] == 0 || seen[E] == V);                 /* promise 2: one result, one reply */
  if :: isSig(V) ->
        assert(allows[E] == 1);                         /* promise 1: a committed record, exactly one */
        assert(!badcommit[E]);                          /* promise 4: committed before the revoke or lock */
        if :: VERCHK == 1 || VERCHK == 3 -> assert(!late) :: else fi;  /* ... and made before it */
        if :: !rel[E] -> rel[E] = 1; released++ :: else fi;
        assert(released <= BUDGET)                      /* promise 3: the limit, not one over */
     :: else fi;
  seen[E] = V
}
proctype Inst(byte i) {
  byte e, v, d, kv, res; bool rv, kf, haskey = 1, ok, late;
arrive:
  atomic { e = 0; v = 0; d = 0; kv = 0; kf = 0; res = 0; rv = 0; ok = 0; late = 0 };   /* nothing is remembered */
end_arrive: do
  :: net[i*2]   -> atomic { net[i*2] = 0;   e = 0; goto read }
  :: net[i*2+1] -> atomic { net[i*2+1] = 0; e = 1; goto read }
  :: haskey && locked -> haskey = 0                     /* the notice of a lock arrives, some time later */
  :: !haskey && !locked -> haskey = 1                   /* unlocked or unsealed again */
  :: SWEEP == 2 && (spur < MAXSPUR || timeout) && st[0] == READY -> atomic { if :: spur < MAXSPUR -> spur++ :: else fi; e = 0; goto sweep }
  :: SWEEP == 2 && (spur < MAXSPUR || timeout) && st[1] == READY -> atomic { if :: spur < MAXSPUR -> spur++ :: else fi; e = 1; goto sweep }
#if GIVEUP
  :: atomic { gaveup < 1 && st[0] == READY -> gaveup++; giveup: st[0] = UNDELIVERABLE }        /* sweep: past the give-up time */
#endif
  od;
read:                                                   /* step 2: the row, if there is one */
  if :: PRUNE >= 2 && stale[e] -> goto arrive :: else fi;                              /* step 1: freshness on arrival */
  atomic { if
    :: DUPREPLY && (st[e] == READY || st[e] == DELIVERED) -> v = reply[e]; late = 0; goto publish
    :: st[e] == UNDELIVERABLE && REVIVE -> st[e] = READY; v = reply[e]; late = 0; goto publish
    :: else fi };
decide:                                                 /* step 3: read with versions, decide */
  atomic { rv = (e == 0 && revoked); kv = kver; kf = locked;
    if :: rv || used >= BUDGET || locked || !haskey -> d = DENY :: else -> d = ALLOW fi; CRASH };
act:                                                    /* step 4: sign, verify, seal: in memory, random nonces */
  atomic { late = (d == ALLOW) && ((e == 0 && revoked) || locked);
    if :: v = d :: v = d + 1 fi; CRASH };
#if VERCHK == 2
  atomic { if :: moved(e) -> goto decide :: else fi };  /* the check is a read of its own, before the writes */
#endif
commit:                                                 /* step 5: one transaction; commit(e) has three results */
  d_step {
    if :: UNIQUE && st[e] != NONE -> res = 0            /* row taken */
       :: else -> res = 1 fi;
    if :: res == 1 && PRUNE == 3 && stale[e] -> res = 0 :: else fi;                    /* no longer fresh */
    if :: res == 1 && (VERCHK == 1 || VERCHK == 3) && moved(e) -> res = 2 :: else fi;  /* versions moved */
    if :: res == 1 && d == ALLOW && BGUARD && used >= BUDGET -> res = 2 :: else fi;    /* budget moved */
    if :: res == 1 ->
          st[e] = READY; reply[e] = v; owner[e] = i;
          if :: d == ALLOW -> used++; allows[e]++; badcommit[e] = badcommit[e] || (e == 0 && revoked) || locked :: else fi
       :: else fi };
  if :: res == 0 -> goto arrive                         /* somebody else has answered it (or it is no longer owed) */
     :: res == 2 -> goto decide                         /* judged again */
     :: res == 1 -> skip
     :: atomic { res == 1 && crashes < MAXCRASH -> crashes++; goto unknown }           /* COMMIT's outcome never learned */
  fi;
  CRASH;
publish:                                                /* step 6: the stored bytes, one event, all relays */
  atomic { d_step { observe(e, v) };
    if :: answered[e] = 1; ok = 1
       :: losses < MAXLOSS -> losses++; answered[e] = 1; ok = 0                        /* the client has it, the OK was lost */
       :: losses < MAXLOSS -> losses++; ok = 0                                         /* lost */
       :: losses < MAXLOSS && RESEND && DUPREPLY -> losses++; ok = 1                   /* OK, but the client was away */
    fi; CRASH };
deliver:                                                /* step 7: lazily */
  if :: ok -> d_step { if :: st[e] == READY -> st[e] = DELIVERED :: else fi } :: else fi;
  goto arrive;
unknown:                                                /* forget the bytes, read the row back */
#if STORED
  v = 0; goto read;
#else
  atomic { if :: v == d -> v = d + 1 :: else -> v = d fi }; goto publish;              /* signs again and sends that */
#endif
sweep:                                                  /* ready rows, any instance */
  atomic { if :: st[e] == READY -> v = reply[e]; late = 0; goto publish :: else -> goto arrive fi };
down:                                                   /* memory is gone; relays keep nothing for us */
  atomic { haskey = 0;
    if :: net[i*2] = 0 :: skip fi; if :: net[i*2+1] = 0 :: skip fi };
  if :: skip
     :: atomic { gone == 0 -> gone = 1; goto dead }     /* one instance may never come back */
  fi;
  if :: SWEEP == 1 && st[0] == READY && owner[0] == i -> e = 0; haskey = !locked; goto sweep
     :: SWEEP == 1 && st[1] == READY && owner[1] == i -> e = 1; haskey = !locked; goto sweep
     :: else -> goto arrive
  fi;
dead: skip
}
proctype Client(byte e) {       /* sends once to whoever listens; sends the same event again when all is quiet and no answer came */
  atomic { net[e] = 1; net[2+e] = 1 };
end_c: do
  :: atomic { RESEND && timeout && !answered[e] && !stale[e] -> net[e] = 1; net[2+e] = 1 }
  od
}
proctype Admin() {
#if REVOKES
  if :: revoked = 1 :: skip fi;
#endif
#if LOCKS
  if :: d_step { locked = 1; kver++ }; d_step { locked = 0; kver++ } :: skip fi;       /* lock and unlock both bump */
#endif
#if GIVEUP
revive:
end_a: atomic { st[0] == UNDELIVERABLE -> if :: REVIVE -> st[0] = READY :: else fi };       /* an admin takes it up again */
#endif
  skip
}
proctype Janitor() {
#if PRUNE
  atomic { (st[0] == DELIVERED || st[0] == UNDELIVERABLE) -> if :: PRUNE >= 2 -> stale[0] = 1 :: else fi };
prune:
  d_step { st[0] = NONE; reply[0] = 0 };                /* the row is gone; relays may still hold a late copy: */
  atomic { net[0] = 1; net[2] = 1 }
#endif
  skip
}
init { atomic { run Inst(0); run Inst(1); run Client(0);
#if EVENTS == 2
  run Client(1);
#endif
#if REVOKES || LOCKS || GIVEUP
  run Admin();
#endif
#if PRUNE
  run Janitor()
#endif
} }

#ifdef LTLD1   /* what was committed as allow reaches a relay, or is listed; the client does nothing */
ltl d1 { [] ((allows[0] == 1) -> <> (st[0] == DELIVERED || st[0] == UNDELIVERABLE)) }
#endif
#ifdef LTLD1S  /* ... reaches a relay, when what was listed is taken up again */
ltl d1s { [] ((allows[0] == 1) -> <> (st[0] == DELIVERED)) }
#endif
#ifdef LTLD2   /* a client that stays and sends the same event again is answered */
ltl d2 { <> answered[0] }
#endif
#ifdef LTLD3   /* a client that never sends again is answered, whatever crashes: cannot hold, and the README says so */
ltl d3 { <> answered[0] }
#endif
