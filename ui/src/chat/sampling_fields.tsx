import { useEffect, useId, useState } from 'preact/hooks';
import { useServices } from '../services';
import type { Sampling } from '../state/settings';
import { useStore } from '../state/store';

interface Knob {
  name: Exclude<keyof Sampling, 'stop'>;
  help: string;
  min?: number;
  max?: number;
  step: number | 'any';
  slider?: number; // where the slider stands while the field is empty
}

const KNOBS: Knob[] = [
  {
    name: 'temperature',
    help: 'How freely it chooses: 0 always takes the likeliest token',
    min: 0,
    max: 2,
    step: 0.05,
    slider: 1,
  },
  {
    name: 'top_p',
    help: 'Choose among the likeliest tokens that make up this probability',
    min: 0.05,
    max: 1,
    step: 0.05,
    slider: 1,
  },
  {
    name: 'min_p',
    help: 'Leave out tokens less likely than this share of the likeliest one',
    min: 0,
    max: 1,
    step: 0.05,
    slider: 0,
  },
  { name: 'top_k', help: 'Choose among so many tokens; 0 means all', min: -1, step: 1 },
  { name: 'max_tokens', help: 'The longest answer', min: 1, step: 1 },
  { name: 'seed', help: 'The same seed gives the same answer', step: 1 },
  {
    name: 'presence_penalty',
    help: 'Against tokens that are there already',
    min: -2,
    max: 2,
    step: 0.1,
  },
  {
    name: 'frequency_penalty',
    help: 'Against tokens, by how often they are there',
    min: -2,
    max: 2,
    step: 0.1,
  },
  {
    name: 'repetition_penalty',
    help: 'Above 1, against tokens of the prompt and the answer',
    min: 0.05,
    max: 2,
    step: 0.05,
  },
  { name: 'n', help: 'Answers at once', min: 1, max: 8, step: 1 },
];

export function SamplingFields() {
  const { settings } = useServices();
  const { sampling } = useStore(settings);
  const set = (change: Partial<Sampling>) =>
    settings.update({ sampling: { ...sampling, ...change } });
  return (
    <div class="knobs">
      {KNOBS.map((knob) => (
        <KnobField
          key={knob.name}
          knob={knob}
          value={sampling[knob.name]}
          onChange={(value) => set({ [knob.name]: value })}
        />
      ))}
      <StopField value={sampling.stop} onChange={(stop) => set({ stop })} />
    </div>
  );
}

interface KnobFieldProps {
  knob: Knob;
  value: number | null;
  onChange: (value: number | null) => void;
}

function KnobField({ knob, value, onChange }: KnobFieldProps) {
  const id = useId();
  const [error, setError] = useState('');
  useEffect(() => setError(''), [value]);
  const { name, help, slider, ...limits } = knob;
  const onInput = (event: { currentTarget: HTMLInputElement }) => {
    const { validity, valueAsNumber, validationMessage } = event.currentTarget;
    // The step is what the arrows move by, not a demand.
    const isWrong = validity.badInput || validity.rangeUnderflow || validity.rangeOverflow;
    const isFraction = limits.step === 1 && !Number.isInteger(valueAsNumber || 0);
    setError(isFraction ? 'A whole number, please.' : isWrong ? validationMessage : '');
    if (!isWrong && !isFraction) onChange(Number.isNaN(valueAsNumber) ? null : valueAsNumber);
  };
  return (
    <div class="knob">
      <label for={id} title={help}>
        {name}
      </label>
      {slider !== undefined && (
        <input
          type="range"
          class={value === null ? 'unset' : ''}
          aria-label={`${name}, as a slider`}
          {...limits}
          value={value ?? slider}
          onInput={onInput}
        />
      )}
      <input
        id={id}
        type="number"
        inputMode="decimal"
        placeholder="default"
        aria-invalid={error !== ''}
        aria-describedby={`${id}-help`}
        {...limits}
        value={value ?? ''}
        onInput={onInput}
      />
      <span id={`${id}-help`} class={error ? 'field-error' : 'visually-hidden'}>
        {error || help}
      </span>
    </div>
  );
}

function StopField(props: { value: string[]; onChange: (value: string[]) => void }) {
  const id = useId();
  // What is typed may end in an empty line, which is no stop string yet.
  const [text, setText] = useState(() =>
    props.value.map((line) => line.replaceAll('\n', '\\n')).join('\n'),
  );
  useEffect(() => {
    if (props.value.length === 0) setText((typed) => (typed.trim() ? '' : typed));
  }, [props.value]);
  return (
    <div class="knob wide">
      <label for={id} title="The answer ends before any of these">
        stop
      </label>
      <textarea
        id={id}
        rows={2}
        placeholder="One per line; \n is a line break"
        value={text}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          const lines = typed.split('\n').filter((line) => line !== '');
          props.onChange(lines.map((line) => line.replaceAll('\\n', '\n')));
        }}
      />
    </div>
  );
}
