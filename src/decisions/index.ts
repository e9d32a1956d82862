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
export { checkQuestion, readQuestion } from './model/read-question.ts';
export { ENGINE, advise, fingerprint, verdictsOf } from './advise/advise.ts';
export { expiredFacts, factKey } from './catalogue/catalogue.ts';
export type { Catalogue, Fact, Service } from './catalogue/catalogue.ts';
export { readCatalogue } from './catalogue/read-catalogue.ts';
export { shippedCatalogue } from './catalogue/shipped-catalogue.ts';
export { defaultRulePack } from './rules/default-pack.ts';
export type { RulePack } from './rules/pack.ts';
export { readRulePack } from './rules/read-pack.ts';
