// Package rollout lets several machines upgrade the same program in turns.
//
// All machines share one plan, which a [singleton.Roster] keeps, and which changes only by a
// comparison with what the writer has read. A machine that wants to upgrade joins the plan by
// the digest of the new version, waits for its turn, upgrades as if it were alone, and reports
// the outcome. Nobody conducts the whole.
//
// # Rules
//
//   - Canaries first: no other machine begins until so many are confirmed and have then served
//     for a settle time.
//   - Never more than so many machines are unavailable: in their turn, down, or not ready.
//   - The leader's turn is last, so that the name changes hands once.
//   - A version that was rolled back on one machine stops the rollout, and is pinned: no
//     machine takes it any more, unless a person insists. Machines that have it already go
//     back, again in turns.
//   - A turn has no time limit. A machine that dies in its turn blocks the others until the
//     upgrade is repeated there, or until a person releases it.
//
// # Limits
//
// The plan is one record with a line for each machine: it is meant for hundreds of machines,
// and not for thousands. What machines show of themselves may be some seconds old.
package rollout
