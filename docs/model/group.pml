/* group.pml - group commit: two requests of two connections share a budget of 1 and travel in one transaction of one instance;
 * the other instance commits its own group at the same time; COMMIT may succeed, fail, or succeed without the instance learning it.
 *
 * Each switch takes one safeguard out; the default is the code.
 *  PERREQ 1 each request of the group is judged by guarded statements inside the transaction   0 budget read once for the group
 *  UNKNOWN what an unknown COMMIT outcome is taken for: 0 failure, sign again and publish  1 read the row back, publish only what is stored
 *  A refused request alone leaves the group and is judged again; the others commit.
 */
#ifndef PERREQ
#define PERREQ 1
#endif
#ifndef UNKNOWN
#define UNKNOWN 1
#endif
byte reply[4], used, seen[4], released, unk;     /* requests 0,1 at instance 0; 2,3 at instance 1; reply 2,3 = signature, 4 = refusal */
inline pub(R, V) { d_step { assert(seen[R] == 0 || seen[R] == V);
  if :: seen[R] == 0 && V < 4 -> released++; assert(released <= 1) :: else fi; seen[R] = V } }
inline one(R, D, V) {                                    /* one request's statements inside the transaction */
  if :: reply[R] != 0 -> skip                            /* unique key: already answered */
     :: reply[R] == 0 && D == 2 && PERREQ && used >= 1 -> refused[R & 1] = 1
     :: else -> reply[R] = V; if :: D == 2 -> used++ :: else fi fi }
proctype Inst(byte i) {
  byte d[2], v[2], n; bool refused[2];
prepare:
  atomic { d[0] = (used < 1 -> 2 : 4); d[1] = d[0];      /* both judged against the same state */
    if :: refused[0] -> d[0] = 4 :: else fi; if :: refused[1] -> d[1] = 4 :: else fi;
    v[0] = d[0]; v[1] = d[1];
    if :: v[0] == 2 -> v[0] = 3 :: skip fi; if :: v[1] == 2 -> v[1] = 3 :: skip fi;   /* random nonces */
    refused[0] = 0; refused[1] = 0 };
commit:
  atomic {
    if :: d_step { one(i*2, d[0], v[0]); one(i*2+1, d[1], v[1]) }
       :: unk < 2 -> unk++; goto lost                                                       /* failed, and not known so */
       :: unk < 2 -> unk++; d_step { one(i*2, d[0], v[0]); one(i*2+1, d[1], v[1]) }; goto lost /* done, and not known so */
    fi };
  goto out;
lost:
#if UNKNOWN == 0
  goto prepare2;
#endif
out:
  n = 0;
  do :: n < 2 -> if :: reply[i*2+n] != 0 -> pub(i*2+n, reply[i*2+n]) :: else fi; n++ :: else -> break od;
  if :: reply[i*2] == 0 || reply[i*2+1] == 0 -> goto prepare :: else -> goto fin fi;
prepare2:                                                /* takes it for failed: publishes what a second try signs */
  atomic { if :: v[0] == 2 -> v[0] = 3 :: v[0] == 3 -> v[0] = 2 :: else fi };
  d_step { if :: reply[i*2] == 0 -> one(i*2, d[0], v[0]) :: else fi };
  pub(i*2, v[0]);
fin: skip
}
init { atomic { run Inst(0); run Inst(1) } }
#ifdef LTLG
ltl g { <> (seen[0] != 0 && seen[1] != 0 && seen[2] != 0 && seen[3] != 0) }
#endif
