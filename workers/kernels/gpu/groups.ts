// Numbers of workgroups, folded where there are more than one dimension of a dispatch takes.

/** Workgroups along x, y and z. */
export type Groups = readonly [number, number, number];

// What every device takes along a dimension.
const mostAlong = 65_535;

/** At least `count` workgroups, and less than y too many; 0 along x where there is nothing to do. */
export function foldGroups(count: number): Groups {
  const y = Math.max(1, Math.ceil(count / mostAlong));
  return [Math.ceil(count / y), y, 1];
}

/** WGSL: the number of a workgroup in what `foldGroups` made. */
export const unfoldGroup = `
fn unfold(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.y * groups.x + group.x;
}`;
