/**
 * Decisions before anything irreversible: what may go where, answered with reasons.
 *
 * A question says what is to be done, what would come out, who may want it and what the options are.
 * The adviser answers it from a catalogue of dated facts and a pack of rules: no clock, network or
 * chance, so that the same question always gets the same bytes.
 */
export { canonicalJson, hashOf } from './model/canonical-json.ts';
export type { Json } from './model/canonical-json.ts';
export { DecisionsError } from './errors.ts';
export { VERDICTS, isAllowed, rank, worse } from './model/verdict.ts';
export type { Label, Verdict } from './model/verdict.ts';
export type {
  Answer,
  Exposure,
  OptionAnswer,
  Pair,
  Reached,
  Reason,
  Residual,
  SplitSuggestion,
  SurfaceComponent,
  UnknownThatMatters,
} from './model/answer.ts';
export type {
  AdversaryKind,
  Concern,
  Device,
  FactValue,
  GiveUp,
  Info,
  Obligation,
  Option,
  Part,
  Party,
  Purpose,
  Question,
  RefusedClass,
  Tri,
  Use,
} from './model/question.ts';
