// What a scaling experiment gives. Types of its schemas, and names.
import type * as schemas from '../result-schemas.js';
import type { Stored } from '../result-schemas.js';

export { scalingAxes, scalingFormat, scalingKinds } from '../result-schemas.js';

export type ScalingKind = ScalingCurve['kind'];
export type ScalingAxis = ScalingCurve['axis'];
export type ScalingWork = Stored<typeof schemas.scalingWork>;
export type ScalingPoint = Stored<typeof schemas.scalingPoint>;
export type PredictedPoint = Stored<typeof schemas.predictedPoint>;
export type AmdahlFit = Stored<typeof schemas.amdahlFit>;
export type UniversalFit = Stored<typeof schemas.universalFit>;
export type ScalingCurve = Stored<typeof schemas.scalingCurve>;
export type ScalingResults = Stored<typeof schemas.scalingResults>;
