/** Why an agent should run what it should run (I7): every change of `desired` has one of these sources. */
export type AssignmentSource =
  | { readonly kind: 'rollout'; readonly rollout: string }
  | { readonly kind: 'catch-up'; readonly group: string }
  | { readonly kind: 'pin' }
  | { readonly kind: 'retry' };
