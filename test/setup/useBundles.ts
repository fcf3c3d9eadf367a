import { inject } from 'vitest';
import { Part } from '../support/part.ts';

Part.bundles = inject('bundles');
