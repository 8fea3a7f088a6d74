/* approval.pml - one request that a rule answers with "ask", two instances, two admins who answer at once, expiry, revoke, crashes.
 *
 * Each switch takes one safeguard out ("bad" checks must then find a counterexample). The default is the code.
 *  TOP    1 the replay runs "from the top" (arrival checks, row taken) and so meets its own row   0 enters where envelopes are opened
 *  FINCAS 1 the replay's commit is a compare-and-set parked -> ready on the ledger row     0 it is a plain write
 *  EXPSEP 1 the expiry's refusal is sent by a timer, apart from the compare-and-set        0 expiry only resolves; the replay replies
 *  ANSCAS 1 the answer is a compare-and-set pending -> answered                            0 read, then write
 *  ONETX  1 answer + grant + audit in one transaction                                      0 the grant is written after it
 *  ASKWINS 1 "ask beats allow" taken literally, also a once-grant                              0 the grant answers the ask it names (deny still wins)
 *  SWEEP  1 only after the sweeper's own restart    2 by any instance at any time
 *  VER    1 the final commit checks the connection's version
 */
#ifndef TOP
#define TOP 0
#endif
#ifndef FINCAS
#define FINCAS 1
#endif
#ifndef EXPSEP
#define EXPSEP 0
#endif
#ifndef ANSCAS
#define ANSCAS 1
#endif
#ifndef ONETX
#define ONETX 1
#endif
#ifndef ASKWINS
#define ASKWINS 0
#endif
#ifndef SWEEP
#define SWEEP 2
#endif
#ifndef VER
#define VER 1
#endif
#ifndef MAXCRASH
#define MAXCRASH 2
#endif
#ifndef SPUR2
#define SPUR2 1
#endif
/* states of a request's row and of its question, as in states.tsv */
#define NONE 0
#define PARKED 1
#define READY 2
#define DELIVERED 3
#define PENDING 1
#define APPROVED 2
#define DENIED 3
#define EXPIRED 4
#define WITHDRAWN 5
#define isSig(v) ((v) == 2 || (v) == 3)
/* store */
byte st, reply, ap, grants, used, allows, answers; bool revoked;
/* wire */
bool net[2]; byte cmd[2];       /* the admins' answers, to either instance: 0, APPROVED or DENIED */
/* ghosts */
byte seen, crashes, losses, spur, spur2, gone; bool answered, badcommit, parkedOnce; byte acked;
#define CRASH if :: atomic { (crashes < MAXCRASH) -> crashes++; goto down } :: true fi

inline observe(V) {
  assert(seen == 0 || seen == V);                                       /* never two replies */
  if :: isSig(V) -> assert(allows == 1 && used == 1 && answers == 1 && ap != DENIED && ap != EXPIRED); assert(!badcommit)
     :: else -> assert(allows == 0) fi;
  seen = V
}
proctype Inst(byte i) {
  byte v, d, a, res; bool ok, rv;
arrive:
  atomic { v = 0; d = 0; a = 0; res = 0; ok = 0; rv = 0 };
end_arrive: do
  :: net[i] -> atomic { net[i] = 0; goto read }
  :: atomic { cmd[i] != 0 && (ap == PENDING || ap > PENDING) -> a = cmd[i]; goto answer }
  :: atomic { ap == PENDING && (spur < 1 || timeout) -> if :: spur < 1 -> spur++ :: else fi; goto expire }   /* any clock */
  :: atomic { SWEEP == 2 && (spur2 < SPUR2 || timeout) && ((st == PARKED && ap > PENDING) || st == READY) ->
       if :: spur2 < SPUR2 -> spur2++ :: else fi; goto sweep }                                    /* sweep: any instance, any time */
  od;
read:                                      /* a request from a relay: ledger.pml has its way when nobody is asked */
  atomic { if :: st == READY || st == DELIVERED -> v = reply; goto publish :: st == PARKED -> goto arrive :: else fi };
park:
  atomic { d_step { if :: st == NONE && !revoked -> st = PARKED; ap = PENDING; parkedOnce = 1   /* park: row + question + audit, one transaction */
           :: st == NONE && revoked -> st = READY; reply = 4 :: else fi }; CRASH };
  goto arrive;
answer:                                    /* an admin's answer a, at this instance */
#if ANSCAS
  atomic { d_step {
    if :: ap == PENDING -> ap = a; answers++;
          if :: a == APPROVED && ONETX -> grants = 1 :: else fi; acked = a; cmd[i] = 0; res = 1
       :: else -> cmd[i] = 0; res = 0      /* told: already answered / expired / withdrawn */
    fi }; CRASH };
#else
  if :: ap == PENDING -> skip :: else -> atomic { cmd[i] = 0; goto arrive } fi;
  atomic { d_step { ap = a; answers++; cmd[i] = 0; res = 1; if :: a == APPROVED && ONETX -> grants = 1 :: else fi }; CRASH };
#endif
  if :: res == 0 -> goto arrive :: else fi;
  if :: !ONETX && a == APPROVED -> atomic { grants = 1; CRASH } :: else fi;
  goto replay;
expire:
#if EXPSEP
  if :: ap == PENDING -> v = 4 :: else -> goto arrive fi;      /* the timer saw it pending: refuses, then records */
  atomic { observe(v); answered = 1; CRASH };
  d_step { if :: ap == PENDING -> ap = EXPIRED :: else fi; if :: st == PARKED -> st = DELIVERED; reply = v :: else fi };
  goto arrive;
#else
  atomic { d_step { if :: ap == PENDING -> ap = EXPIRED; res = 1 :: else -> res = 0 fi }; CRASH };
  if :: res == 0 -> goto arrive :: else -> goto replay fi;
#endif
sweep:
  atomic { if :: st == READY -> v = reply; goto publish :: st == DELIVERED -> goto arrive :: else fi };
replay:                                    /* input: the event id, nothing else */
#if TOP
  if :: st != NONE -> goto arrive :: else fi;                  /* claim: the row exists already, somebody else's */
#endif
decide:
  atomic { rv = revoked; a = ap;                           /* Decide, with the approval's state and the grants as data */
    if :: revoked || a == DENIED || a == EXPIRED || a == WITHDRAWN -> d = 4
       :: !revoked && a == APPROVED && grants == 1 && !ASKWINS -> d = 2
       :: !revoked && a == APPROVED && grants == 0 && used == 1 -> d = 2   /* grant already spent: somebody is ahead; the CAS will tell */
       :: else -> d = 0 fi };                              /* asks again */
  if :: d == 0 -> goto arrive :: else fi;
act:
  atomic { if :: v = d :: v = d + 1 fi; CRASH };           /* sign and seal, in memory, random nonces */
commit:
  atomic { d_step {                                        /* COMMIT: compare-and-set parked -> ready */
    if :: FINCAS && st != PARKED -> res = 0
       :: VER && (!FINCAS || st == PARKED) && rv != revoked -> res = 2
       :: else -> res = 1; st = READY; reply = v;
            if :: d == 2 -> used++; grants = 0; allows++; badcommit = badcommit || revoked :: else fi
    fi }; CRASH };
  if :: res == 0 -> goto arrive :: res == 2 -> goto replay :: else fi;
publish:
  atomic { d_step { observe(v) };
    if :: answered = 1; ok = 1 :: losses < 1 -> losses++; ok = 0 :: losses < 1 -> losses++; answered = 1; ok = 0 fi; CRASH };
deliver:
  if :: ok -> d_step { if :: st == READY -> st = DELIVERED :: else fi } :: else fi;
  goto arrive;
down:
  atomic { if :: net[i] = 0 :: skip fi; if :: cmd[i] = 0 :: skip fi };
  if :: skip :: atomic { gone == 0 -> gone = 1; goto dead } fi;
  if :: SWEEP == 1 && ((st == PARKED && ap > PENDING) || st == READY) -> goto sweep :: else -> goto arrive fi;
dead: skip
}
proctype Adm(byte k) {                     /* an admin answers, at either instance; no ack: the app sends it again */
  byte w;
end_a: ap != NONE;
  if :: w = APPROVED :: w = DENIED fi;
  if :: cmd[0] = w :: cmd[1] = w fi
}
proctype Revoker() {                       /* one tx: connection's version, its pending approvals, its unspent grants */
withdraw:
  if :: d_step { revoked = 1; grants = 0; if :: ap == PENDING -> ap = WITHDRAWN :: else fi } :: skip fi
}
proctype Client() {
  net[0] = 1; net[1] = 1;
end_c: do :: atomic { timeout && st == NONE && !answered -> net[0] = 1; net[1] = 1 } od
}
init { atomic { run Inst(0); run Inst(1); run Client(); run Adm(0); run Adm(1);
#ifndef NOREVOKE
  run Revoker()
#endif
} }
#ifdef LTLF   /* a parked request is always answered in the end, and is never lost */
ltl f { [] (parkedOnce -> <> (st == DELIVERED)) }
#endif
